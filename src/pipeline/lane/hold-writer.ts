import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { DAY_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { HoldAnswer } from '../holds/hold-answer.ts';
import type { HoldRequest } from '../holds/hold-request.ts';
import { type HoldWrite, holdName, type StoredHold } from '../holds/hold-rows.ts';
import { isOurBug } from '../ingest/never-fail.ts';
import { type JudgedGroup, judgeGroup, settleGroup } from './judge-hold-group.ts';
import type { LaneMemory } from './lane-memory.ts';
import type { LaneStore, LaneTransaction } from './lane-store.ts';
import { type EndTurn, MemoryVoidError } from './lane-turn.ts';
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

/** A turn on the lane's chain, and the memory that it is a turn of. */
interface Turn {
  readonly memory: LaneMemory;
  readonly end: EndTurn;
}

/** Requests written in one database transaction at most: its judging stays well under a millisecond. */
const GROUP_MAX = 100;
/** Requests without a charge that may ride along with captures. */
const RIDERS_MAX = 500;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
const ATTEMPTS_OF_A_BUG = 3;

const NONE: ReadonlySet<string> = new Set();

/** Entries of a group are of days that nobody has made sure of; nothing has happened to the memory yet. */
class MissingDays extends Error {
  readonly days: readonly number[];

  constructor(days: readonly number[]) {
    super('days of the group are not prepared');
    this.days = days;
  }
}

/**
 * Grants a lane's holds from the lane's memory, in which the debits of the batch in flight are counted already, and
 * commits them in groups beside the batches, on a connection of its own.
 *
 * What makes this safe: a group judges only while it has the fence FOR SHARE and its memory is as new as the fence says,
 * so no freeze, top-up or takeover can commit between judgement and commit. Reserved and charged money is taken from memory
 * when it is judged, freed money is given back only after the commit; so at every moment memory has no more to give than
 * the books. One group is in flight at a time. A group that fails voids the memory, like a batch that fails.
 *
 * A capture posts money: it takes the lane's next batch number and link. So a group with captures has the lane's turn, in
 * which no usage batch is under way, from before it is judged until its commit is known. What posts nothing waits for no
 * turn: while captures do, groups go on without them.
 */
export class HoldWriter {
  readonly #host: HoldHost;
  /** Requests that post nothing. */
  #plain: Submission[] = [];
  /** Captures, and what was asked of the same holds after them. */
  #posting: Submission[] = [];
  #running: Promise<void> | undefined;
  #posts: Promise<void> | undefined;
  /** Settles with the group in flight. */
  #inFlight: Promise<void> = Promise.resolve();
  /** Days on which entries can be posted, as far as this writer has made sure. */
  readonly #days = new Set<number>();
  #stopped = false;
  #closed = false;

  constructor(host: HoldHost) {
    this.#host = host;
  }

  /** Requests accepted and not yet on their way. */
  get backlog(): number {
    return this.#plain.length + this.#posting.length;
  }

  /** Resolves with the answer once it is durable. `LANE_FENCED` and `LANE_BUSY` say that the lane is not ours. */
  submit(request: HoldRequest): Promise<HoldAnswer> {
    if (this.#closed) return Promise.reject(this.#fenced());
    return new Promise((resolve, reject) => {
      const submission = { request, resolve, reject };
      if (isCapture(request) || this.#isBehindCapture(request)) {
        this.#posting.push(submission);
        this.#posts ??= this.#runPosting();
      } else {
        this.#plain.push(submission);
        this.#running ??= this.#runPlain();
      }
    });
  }

  /** Finishes what was submitted. With `abandon`, what cannot be written now is rejected. */
  async close({ abandon }: { readonly abandon: boolean }): Promise<void> {
    this.#stopped = abandon;
    while (this.#running !== undefined || this.#posts !== undefined) await Promise.all([this.#running, this.#posts]);
    this.#closed = true;
  }

  async #runPlain(): Promise<void> {
    // Requests that are read from their sockets in the same turn of the event loop share the first group.
    await nextTurn();
    while (this.#plain.length > 0) {
      await this.#alone(async () => {
        const group = this.#plain.splice(0, GROUP_MAX);
        if (group.length > 0) await this.#serve(group, undefined);
      });
    }
    this.#running = undefined;
  }

  async #runPosting(): Promise<void> {
    await nextTurn();
    while (this.#posting.length > 0) {
      const turn = await this.#takeTurn().catch((error: unknown) => {
        for (const { reject } of this.#posting.splice(0)) reject(error);
      });
      if (turn === undefined) continue;
      await this.#alone(async () => {
        // What was asked of a hold before its capture stands among the plain ones, and must come first.
        const plain = this.#plain.splice(0, RIDERS_MAX);
        const posting = this.#plain.length === 0 ? this.#posting.splice(0, GROUP_MAX) : [];
        await this.#serve([...plain, ...posting], turn);
      });
    }
    this.#posts = undefined;
  }

  /** Runs a group when the one before has ended. */
  async #alone(work: () => Promise<void>): Promise<void> {
    const before = this.#inFlight;
    let end: () => void = () => undefined;
    this.#inFlight = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    await work().finally(end);
  }

  #isBehindCapture(request: HoldRequest): boolean {
    if (this.#posting.length === 0) return false;
    const name = holdName(request);
    return this.#posting.some((submission) => holdName(submission.request) === name);
  }

  async #serve(group: readonly Submission[], turn: Turn | undefined): Promise<void> {
    try {
      const answers = await this.#writeDurably(
        group.map(({ request }) => request),
        turn,
      );
      for (const [index, { resolve, reject }] of group.entries()) {
        const answer = answers[index];
        if (answer === undefined) reject(new RangeError('one answer per request'));
        else resolve(answer);
      }
    } catch (error) {
      if (isHopeless(error) && group.length > 1) {
        // One bad request must not take the others with it.
        for (const alone of group) await this.#serve([alone], undefined);
        return;
      }
      for (const { reject } of group) reject(error);
    }
  }

  async #writeDurably(requests: readonly HoldRequest[], first: Turn | undefined): Promise<readonly HoldAnswer[]> {
    const posts = requests.some(isCapture);
    let turn = first;
    let days = posts ? daysOf(requests.map(({ nowMs }) => nowMs)) : [];
    for (let attempt = 1; ; attempt++) {
      if (this.#stopped) {
        turn?.end(true);
        throw this.#fenced();
      }
      let memory: LaneMemory | undefined;
      try {
        const missing = days.filter((day) => !this.#days.has(day));
        if (missing.length > 0) {
          // Making a day waits for whoever reads entries, and nobody shall wait for us meanwhile.
          turn?.end(true);
          turn = undefined;
          await this.#prepare(missing);
        }
        if (posts) turn ??= await this.#takeTurn();
        memory = turn?.memory ?? (await this.#memory());
        const answers = await this.#attempt(memory, requests);
        turn?.end(true);
        return answers;
      } catch (error) {
        if (error instanceof MissingDays) {
          days = error.days;
          continue;
        }
        this.#days.clear();
        const fenced = isFenced(error);
        // The lane's own writer has loaded the lane again meanwhile, with a new epoch.
        const isReplaced = fenced && memory !== undefined && !this.#host.isCurrent(memory);
        if (memory !== undefined) this.#host.forget(memory);
        turn?.end(false);
        turn = undefined;
        if (isReplaced || error instanceof MemoryVoidError) continue;
        if (fenced && memory !== undefined) this.#host.onLost();
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

  async #takeTurn(): Promise<Turn> {
    for (;;) {
      const memory = await this.#memory();
      try {
        return { memory, end: await memory.turn.take() };
      } catch {
        // The batch before us failed: what it left in memory is nobody's any more.
        this.#host.forget(memory);
      }
    }
  }

  /** Makes sure that entries can be posted on these days. */
  async #prepare(days: readonly number[]): Promise<void> {
    await this.#host.store.preparePartitions(days.map((day) => day * DAY_MS));
    for (const day of days) this.#days.add(day);
  }

  async #attempt(memory: LaneMemory, requests: readonly HoldRequest[]): Promise<readonly HoldAnswer[]> {
    const { store, lane, ruleset } = this.#host;
    let landed: () => void = () => undefined;
    try {
      const transact = store.transactHolds?.bind(store) ?? oneByOne(store);
      const group = await transact(lane, memory.epoch, requests, async (transaction, stored) => {
        await applyOutsideChanges(memory, transaction);
        await loadAccountsOf(memory, transaction, walletIdsOf(requests));
        this.#checkDays(memory, requests, stored);
        // From here to the commit nothing else may wait: batches that freeze a wallet wait for this group.
        memory.holdsInFlight = new Promise((resolve) => {
          landed = resolve;
        });
        const judged = judgeGroup(memory, requests, stored, ruleset().overdraftNanos);
        return writeGroup(transaction, memory, judged);
      });
      // After the commit, and before anybody else's turn: money is free once it is free in the books.
      for (const { wallet, amount } of group.freed) wallet.held -= amount;
      return group.answers;
    } finally {
      memory.holdsInFlight = undefined;
      landed();
    }
  }

  /** Captures are dated by their holds, and ended credit by now; days are made outside of transactions. */
  #checkDays(memory: LaneMemory, requests: readonly HoldRequest[], stored: readonly StoredHold[]): void {
    if (!requests.some(isCapture)) return;
    const captured = new Set(requests.filter(isCapture).map(holdName));
    const placedMs = stored.flatMap(({ hold }) => (captured.has(holdName(hold)) ? [hold.placedAtMs] : []));
    const nowMs = requests.map((request) => request.nowMs);
    const missing = daysOf([...placedMs, ...nowMs, memory.clockMs]).filter((day) => !this.#days.has(day));
    if (missing.length > 0) throw new MissingDays(missing);
  }

  #fenced(): AppError {
    return new AppError('LANE_FENCED', `lane ${this.#host.lane} is given up`);
  }
}

/** Sends everything a group writes; what comes of it is in `written`. */
async function writeGroup(transaction: LaneTransaction, memory: LaneMemory, group: JudgedGroup) {
  const { holds, operations, changes } = group;
  const writing = holds.size === 0 ? NONE : transaction.holds.write([...holds.values()], operations);
  if (changes.length === 0) return { written: Promise.resolve(writing).then((taken) => settleGroup(group, taken)) };
  if (transaction.writeChanges === undefined) throw new RangeError('this store posts no captures');
  const isOurs = ({ hold, isNew }: HoldWrite) => !isNew || hold.state !== 'captured';
  if (![...holds.values()].every(isOurs)) {
    // The capture of a hold whose id turns out to be taken must not be posted: once more, with the hold as it is stored.
    const taken = await writing;
    if ([...taken].some((name) => holds.get(name)?.hold.state === 'captured')) throw new MemoryVoidError();
  }
  const linking = transaction.writeChanges(changes, memory);
  const written = Promise.all([writing, linking]).then(([taken, chain]) => {
    memory.lastBatch += changes.length;
    memory.chain = chain;
    return settleGroup(group, taken);
  });
  return { written };
}

/** For a store whose holds have no connection of their own. */
function oneByOne(store: LaneStore): NonNullable<LaneStore['transactHolds']> {
  return (lane, epoch, references, work) =>
    store.transact(lane, epoch, async (transaction) => {
      const { written } = await work(transaction, await transaction.holds.find(references));
      return written;
    });
}

function isCapture({ ask }: HoldRequest): boolean {
  return ask.do === 'capture';
}

function daysOf(timesMs: readonly number[]): readonly number[] {
  return [...new Set(timesMs.map((ms) => Math.floor(ms / DAY_MS)))];
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
