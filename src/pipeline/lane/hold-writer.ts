import { reservedBy } from '../../domain/ledger/hold.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { AppError } from '../../errors.ts';
import { type HoldAnswer, refuse } from '../holds/hold-answer.ts';
import type { HoldRequest } from '../holds/hold-request.ts';
import { type HoldOperation, type HoldWrite, holdName, type StoredHold } from '../holds/hold-rows.ts';
import { judgeHold } from '../holds/judge-hold.ts';
import { operationOf } from '../holds/operation-of.ts';
import { isOurBug } from '../ingest/never-fail.ts';
import type { LaneMemory } from './lane-memory.ts';
import type { LaneStore, LaneTransaction } from './lane-store.ts';
import { applyOutsideChanges, loadAccountsOf } from './take-over.ts';

/** What a hold writer needs of its lane's writer, with which it shares the memory. */
export interface HoldHost {
  readonly lane: number;
  readonly store: LaneStore;
  readonly ruleset: () => Ruleset;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onRetry: (attempt: number, error: unknown) => void;
  /** The lane's memory, loaded when nobody has it. */
  readonly memory: () => Promise<LaneMemory>;
  readonly isCurrent: (memory: LaneMemory) => boolean;
  /** Throws the memory away after a failure, unless it has been replaced already. */
  readonly forget: (memory: LaneMemory) => void;
  /** Another process owns the lane. */
  readonly onLost: () => void;
}

interface Submission {
  readonly request: HoldRequest;
  readonly resolve: (answer: HoldAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests written in one database transaction at most: its judging stays well under a millisecond. */
const GROUP_MAX = 100;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
const ATTEMPTS_OF_A_BUG = 3;

/**
 * Grants a lane's holds from the lane's memory, in which the debits of the batch in flight are counted already, and
 * commits them in groups beside the batches, on a connection of its own.
 *
 * What makes this safe: a group judges only while it has the fence FOR SHARE and its memory is as new as the fence says,
 * so no freeze, top-up or takeover can commit between judgement and commit. Reserved money is taken from memory when it
 * is judged, freed money is given back only after the commit; so at every moment memory holds at least as much as is
 * stored. One group is in flight at a time. A group that fails voids the memory, like a batch that fails.
 */
export class HoldWriter {
  readonly #host: HoldHost;
  #waiting: Submission[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;
  #closed = false;

  constructor(host: HoldHost) {
    this.#host = host;
  }

  /** Requests accepted and not yet answered. */
  get backlog(): number {
    return this.#waiting.length;
  }

  /** Resolves with the answer once it is durable. `LANE_FENCED` and `LANE_BUSY` say that the lane is not ours. */
  submit(request: HoldRequest): Promise<HoldAnswer> {
    if (request.ask.do === 'capture') throw new RangeError('a capture posts money: it takes the direct path');
    if (this.#closed) return Promise.reject(this.#fenced());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Finishes what was submitted. With `abandon`, what cannot be written now is rejected. */
  async close({ abandon }: { readonly abandon: boolean }): Promise<void> {
    this.#stopped = abandon;
    while (this.#running !== undefined) await this.#running;
    this.#closed = true;
  }

  async #run(): Promise<void> {
    // Requests of the same turn of the event loop share the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#serve(this.#waiting.splice(0, GROUP_MAX));
    this.#running = undefined;
  }

  async #serve(group: readonly Submission[]): Promise<void> {
    try {
      const answers = await this.#writeDurably(group.map(({ request }) => request));
      for (const [index, { resolve, reject }] of group.entries()) {
        const answer = answers[index];
        if (answer === undefined) reject(new RangeError('one answer per request'));
        else resolve(answer);
      }
    } catch (error) {
      if (isHopeless(error) && group.length > 1) {
        // One bad request must not take the others with it.
        for (const alone of group) await this.#serve([alone]);
        return;
      }
      for (const { reject } of group) reject(error);
    }
  }

  async #writeDurably(requests: readonly HoldRequest[]): Promise<readonly HoldAnswer[]> {
    for (let attempt = 1; ; attempt++) {
      if (this.#stopped) throw this.#fenced();
      const memory = await this.#memory();
      try {
        return await this.#attempt(memory, requests);
      } catch (error) {
        const fenced = isFenced(error);
        // The lane's own writer has loaded the lane again meanwhile, with a new epoch.
        if (fenced && !this.#host.isCurrent(memory)) continue;
        this.#host.forget(memory);
        if (fenced) this.#host.onLost();
        if (fenced || this.#stopped) throw error;
        this.#host.onRetry(attempt, error);
        if (isHopeless(error) && attempt >= ATTEMPTS_OF_A_BUG) throw error;
        await this.#host.sleep(Math.min(RETRY_MS_MIN * 2 ** (attempt - 1), RETRY_MS_MAX));
      }
    }
  }

  async #memory(): Promise<LaneMemory> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#host.memory();
      } catch (error) {
        if (isFenced(error)) this.#host.onLost();
        if (isFenced(error) || this.#stopped) throw error;
        this.#host.onRetry(attempt, error);
        await this.#host.sleep(Math.min(RETRY_MS_MIN * 2 ** (attempt - 1), RETRY_MS_MAX));
      }
    }
  }

  async #attempt(memory: LaneMemory, requests: readonly HoldRequest[]): Promise<readonly HoldAnswer[]> {
    const { store, lane, ruleset } = this.#host;
    let landed: () => void = () => undefined;
    try {
      const group = await store.transact(lane, memory.epoch, async (transaction) => {
        await applyOutsideChanges(memory, transaction);
        await loadAccountsOf(memory, transaction, walletIdsOf(requests));
        const stored = await transaction.holds.find(requests);
        // From here to the commit nothing else may wait: batches that freeze a wallet wait for this group.
        memory.holdsInFlight = new Promise((resolve) => {
          landed = resolve;
        });
        const judged = judgeGroup(memory, requests, stored, ruleset().overdraftNanos);
        return writeGroup(transaction, judged);
      });
      // After the commit, and before anybody else's turn: money is free once it is free in the books.
      for (const { wallet, amount } of group.freed) wallet.held -= amount;
      return group.answers;
    } finally {
      memory.holdsInFlight = undefined;
      landed();
    }
  }

  #fenced(): AppError {
    return new AppError('LANE_FENCED', `lane ${this.#host.lane} is given up`);
  }
}

interface Freed {
  readonly wallet: WalletHead;
  readonly amount: bigint;
}

interface JudgedGroup {
  readonly requests: readonly HoldRequest[];
  readonly answers: HoldAnswer[];
  readonly holds: Map<string, HoldWrite>;
  readonly operations: HoldOperation[];
  readonly freed: Freed[];
  /** What new holds have reserved in memory, by hold: given back when their id turns out to be taken. */
  readonly reserved: Map<string, Freed>;
}

/** Judges requests in their order against the memory. Synchronous: nothing else happens to the memory meanwhile. */
function judgeGroup(
  memory: LaneMemory,
  requests: readonly HoldRequest[],
  stored: readonly StoredHold[],
  overdraftDefault: bigint,
): JudgedGroup {
  const known = new Map(stored.map(({ hold }) => [holdName(hold), hold]));
  const answered = new Map(
    stored.flatMap(({ hold, answered: given }) =>
      given === undefined ? [] : [[`${holdName(hold)}\u0000${given.key}`, given] as const],
    ),
  );
  const group: JudgedGroup = {
    requests,
    answers: [],
    holds: new Map(),
    operations: [],
    freed: [],
    reserved: new Map(),
  };
  for (const request of requests) {
    const name = holdName(request);
    const account = memory.accounts.get(request.walletId);
    // A wallet that the batch in flight is about to open is not in the books yet.
    const wallet = account === undefined || account.isNew ? undefined : account.wallet;
    const before = known.get(name);
    const asked = { ...request, nowMs: Math.max(request.nowMs, memory.clockMs) };
    const found = before && { hold: before, answered: answered.get(`${name}\u0000${request.key}`) };
    const { answer, hold, isNew = false } = judgeHold(asked, wallet, found, overdraftDefault);
    group.answers.push(answer);
    if (hold === undefined || wallet === undefined) continue;
    const wasNew = isNew || group.holds.get(name)?.isNew === true;
    known.set(name, hold);
    group.holds.set(name, { hold, isNew: wasNew });
    const operation = operationOf(asked, answer, wasNew);
    if (operation !== undefined) {
      group.operations.push(operation);
      answered.set(`${name}\u0000${request.key}`, operation);
    }
    const more = reservedBy(hold) - reservedBy(before);
    if (more > 0n) wallet.held += more;
    else if (more < 0n) group.freed.push({ wallet, amount: -more });
    if (wasNew) {
      const amount = (group.reserved.get(name)?.amount ?? 0n) + (more > 0n ? more : 0n);
      group.reserved.set(name, { wallet, amount });
    }
  }
  return group;
}

async function writeGroup(transaction: LaneTransaction, group: JudgedGroup) {
  const { answers, requests, holds, operations, freed, reserved } = group;
  if (holds.size === 0) return { answers, freed };
  const taken = await transaction.holds.write([...holds.values()], operations);
  if (taken.size === 0) return { answers, freed };
  const message = 'The hold id is taken by a hold of another wallet.';
  return {
    answers: answers.map((answer, index) => {
      const request = requests[index];
      return request !== undefined && taken.has(holdName(request)) ? refuse('IDEMPOTENCY_CONFLICT', message) : answer;
    }),
    // A new hold that was released in its own group is among the freed already; what it reserved is counted once.
    freed: [...freed, ...[...taken].flatMap((name) => reservedStill(group, name, reserved.get(name)))],
  };
}

function reservedStill({ holds }: JudgedGroup, name: string, reserved: Freed | undefined): readonly Freed[] {
  return reserved === undefined || reservedBy(holds.get(name)?.hold) === 0n ? [] : [reserved];
}

function walletIdsOf(requests: readonly HoldRequest[]): readonly bigint[] {
  return [...new Set(requests.map(({ walletId }) => walletId))];
}

function isFenced(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'LANE_FENCED' || error.code === 'LANE_BUSY');
}

/** Errors that blame the request or our code: repeating cannot mend them. */
function isHopeless(error: unknown): boolean {
  if (isOurBug(error)) return true;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.length === 5 && (code.startsWith('22') || code.startsWith('23'));
}
