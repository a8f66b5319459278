import { formatEventKey } from '../src/domain/events/event-key.ts';
import type { EventStatus } from '../src/domain/events/usage-event.ts';
import { reservedBy } from '../src/domain/ledger/hold.ts';
import type { SetStatus } from '../src/domain/ledger/judge-set.ts';
import type { WalletHead } from '../src/domain/ledger/wallet.ts';
import type { Ruleset } from '../src/domain/rules/ruleset.ts';
import type { SetItem, SetRecord } from '../src/pipeline/admin/post-set.ts';
import type { HoldAnswer } from '../src/pipeline/holds/hold-answer.ts';
import type { HoldOperation, HoldWrite } from '../src/pipeline/holds/hold-rows.ts';
import type { BatchRecord } from '../src/pipeline/lane/batch-record.ts';
import type { LaneEvent } from '../src/pipeline/lane/lane-event.ts';
import type { Command } from './command.ts';
import type { AdminOutcome } from './guarded-admin.ts';
import { holdText, type ModelHold } from './model/hold.ts';
import type { Held, Model } from './model/model.ts';
import { KIND } from './model/wallet.ts';
import { entryText, headText, modelWalletText } from './texts.ts';

/** What must hold, whatever happens. The names appear in failures. */
export const PROPERTIES = [
  'one fate per event',
  'an answer is true',
  'transactions sum to zero',
  'no usage after a freeze',
  'no hold after a freeze',
  'a hold is closed once',
  'available stays within the limit',
  'what is held is counted',
  'entries are numbered without gaps',
  'the chain is unbroken',
  'grants never exceed the balance',
  'the residue is exact',
  'the model agrees',
  'a refusal changes nothing',
  'any split gives the same books',
  'the stored books are the model',
  'the proofs hold',
  'somebody can always go on',
] as const;
export type Property = (typeof PROPERTIES)[number];

type HoldCommand = Extract<Command, { readonly do: 'hold' }>;

interface Leg {
  readonly walletId: bigint;
  readonly account: string;
  readonly key: string;
  readonly kind: number;
  readonly amount: bigint;
  readonly seq: bigint;
  readonly balance: bigint;
}

const DEBITS: readonly number[] = [KIND.usage, KIND.fact, KIND.released, KIND.charged];

/** Looks at everything that is committed, at the moment it is. */
export class Checks {
  readonly exercised = new Map<Property, number>(PROPERTIES.map((name) => [name, 0]));
  /** Statuses of events and kinds of entries and changes, counted: a run in which nothing happens proves nothing. */
  readonly seen = new Map<string, number>();
  failure: { readonly property: Property; readonly detail: string } | undefined;
  /** Properties that were broken beside the first, until the run stopped: one mistake often breaks several. */
  readonly also = new Set<Property>();
  readonly #model: Model;
  readonly #ruleset: Ruleset;
  readonly #last = new Map<bigint, { seq: bigint; balance: bigint; isFrozen: boolean }>();
  readonly #chains = new Map<number, { batchNo: number; chain: string | undefined }>();
  readonly #posted = new Set<string>();
  readonly #holdAnswers = new Map<string, string>();

  constructor(model: Model, ruleset: Ruleset) {
    this.#model = model;
    this.#ruleset = ruleset;
  }

  /** Counts a look at a property, and keeps the first time it did not hold. */
  expect(property: Property, holds: boolean, detail: () => string): void {
    this.exercised.set(property, (this.exercised.get(property) ?? 0) + 1);
    if (holds) return;
    this.failure ??= { property, detail: detail() };
    if (property !== this.failure.property) this.also.add(property);
  }

  #see(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  /**
   * @param held what each wallet held in the writer's memory when the batch was judged
   * @param short wallets of which its memory held less than the books when it was written
   */
  batchCommitted(batch: BatchRecord, chain: Buffer, { held, short }: { held: Held; short: readonly string[] }): void {
    const { lane, batchNo, previousChain } = batch;
    const before = this.#chains.get(lane) ?? { batchNo: 0, chain: '' };
    const isNext = batchNo === before.batchNo + 1;
    const isLinked = before.chain === undefined || before.chain === previousChain.toString('hex');
    this.expect(
      'the chain is unbroken',
      isNext && isLinked,
      () => `lane ${lane}: batch ${batchNo} after ${before.batchNo}`,
    );
    this.#chains.set(lane, { batchNo, chain: chain.toString('hex') });

    const legs = batch.entries.map(({ wallet, key, kind, amount, seq, balanceAfter }) => ({
      walletId: wallet.walletId,
      account: wallet.account,
      key: formatEventKey(key),
      kind,
      amount,
      seq,
      balance: balanceAfter,
    }));
    const sum = legs.reduce((total, { amount }) => total + amount, 0n);
    const isZero = sum + batch.priced + batch.breakage === 0n;
    this.expect(
      'transactions sum to zero',
      isZero,
      () => `lane ${lane} batch ${batchNo}: off by ${sum + batch.priced}`,
    );

    const clock = this.#model.clockOf(lane);
    const isForward = batch.facts.every(
      (fact, index) => fact.ingestedAtMs >= (batch.facts[index - 1]?.ingestedAtMs ?? clock),
    );
    this.expect('the model agrees', isForward, () => `lane ${lane}: the clock of batch ${batchNo} goes back`);

    this.expect('what is held is counted', short.length === 0, () => short.join('; '));
    // What the legs say by themselves comes before what the model says of them: it names what is wrong.
    this.#checkLegs(legs);
    const expected = this.#model.applyBatch(batch, held);
    this.#model.setClock(lane, batch.clockMs);
    for (const { status } of batch.facts) this.#see(status);
    if (batch.entries.some(({ kind }) => kind === KIND.freeze)) this.#see('frozen by rules');
    this.#compare(
      'statuses',
      expected.statuses,
      batch.facts.map(({ status }) => status),
    );
    this.#compare('entries', expected.entries.map(entryText), legs.map(entryText));
    const rows = batch.quarantined.map(({ key, reason, amount, residue }) =>
      [formatEventKey(key), reason, amount, residue].join(' '),
    );
    this.#compare('quarantine', expected.quarantined, rows);
    for (const { wallet } of batch.touched) this.#compareWallet(wallet);
  }

  changeEnded(command: Command, nowMs: number, outcome: AdminOutcome): void {
    const { lane, atMs, changes, holds, refused, dryRun } = outcome;
    // What a dry run leaves behind would differ from the model at the next look.
    if (dryRun) return;
    this.expect('the model agrees', atMs >= this.#model.clockOf(lane), () => `${command.do} before the lane's clock`);
    const before = command.do === 'hold' ? this.#storedHold(outcome.walletId, command.holdId) : undefined;
    const expected = this.#model.applyCommand(command, { ...outcome, nowMs, looks: [...outcome.looks] });
    const what = `${command.do} of ${command.account} (${command.key})`;
    this.expect(
      refused === undefined && expected.refused === undefined ? 'the model agrees' : 'a refusal changes nothing',
      expected.refused === refused,
      () => `${what}: ${refused ?? 'done'}, the model says ${expected.refused ?? 'done'}`,
    );
    if (refused !== undefined || expected.refused !== undefined) return;
    if (command.do === 'hold') this.#compareHold(what, command, before, holds);
    for (const change of changes) this.#checkChange(lane, change);
    if (expected.wallet?.status === 'thawing') this.#see('thaw in rounds');
    const legs = changes.flatMap(({ wallet, entries }) =>
      entries.map(({ key, kind, amount, seq, balanceAfter }) => ({
        walletId: wallet.walletId,
        account: wallet.account,
        key: formatEventKey(key),
        kind,
        amount,
        seq,
        balance: balanceAfter,
      })),
    );
    this.#checkLegs(legs, command.do === 'thaw');
    this.#compare(what, expected.entries.map(entryText), legs.map(entryText));
    const last = changes.at(-1)?.wallet;
    // A round that leaves a thaw under way stores its status apart from the change.
    if (last !== undefined && expected.wallet?.status !== 'thawing') this.#compareWallet(last);
  }

  /**
   * Holds that a lane's writer granted beside its batches. It judges by its memory, which is never richer than the books, so
   * what it refuses is its own affair; what it grants must hold in the books.
   */
  holdsCommitted(holds: readonly HoldWrite[], operations: readonly HoldOperation[]): void {
    for (const write of holds) {
      const { hold } = write;
      const wallet = this.#model.wallets.get(hold.walletId);
      const before = wallet?.holds.get(hold.holdId);
      this.#checkHold(write, before);
      const more = reservedBy(hold) - (before?.state === 'open' ? before.amount : 0n);
      if (more <= 0n || wallet === undefined) continue;
      const atMs = Math.max(...operations.filter(({ holdId }) => holdId === hold.holdId).map((one) => one.atMs));
      const hasEnded = wallet.frozenUntilMs !== null && wallet.frozenUntilMs <= atMs;
      this.expect('no hold after a freeze', wallet.status === 'active' || hasEnded, () => {
        return `${wallet.account} is ${wallet.status} and reserves ${more} for ${hold.holdId}`;
      });
      const limit = wallet.overdraft ?? this.#ruleset.overdraftNanos;
      const left = wallet.posted - wallet.heldInBooks - more;
      this.expect('available stays within the limit', left >= -limit, () => {
        return `${wallet.account}: hold ${hold.holdId} leaves ${left}, the limit is ${-limit}`;
      });
    }
    this.#model.applyHolds(holds, operations);
  }

  /** One lane's share of a set: what was written, if anything was. */
  setCommitted(lane: number, items: readonly SetItem[], set: SetRecord | undefined): readonly string[] {
    const expected = this.#model.applySet(lane, items);
    const legs = (set?.postings ?? []).flatMap(({ wallet, entries }) =>
      entries.map(({ key, balanceAfter, ...entry }) => {
        return {
          ...entry,
          walletId: wallet.walletId,
          account: wallet.account,
          key: formatEventKey(key),
          balance: balanceAfter,
        };
      }),
    );
    this.#checkLegs(legs);
    this.#compare('set', expected.entries.map(entryText), legs.map(entryText));
    if (set === undefined) return expected.statuses;
    this.#see('set');
    const before = this.#chains.get(lane) ?? { batchNo: 0, chain: '' };
    this.#chains.set(lane, { batchNo: before.batchNo + 1, chain: undefined });
    const heads = set.postings.map(({ wallet }) => [wallet.account, wallet.statusSequence].join(' '));
    const wallets = [...new Set(expected.entries.map(({ wallet }) => wallet))];
    this.#compare(
      'wallets of a set',
      wallets.map((one) => [one.account, one.statusSequence].join(' ')),
      heads,
    );
    return expected.statuses;
  }

  /** Every item of a set was told what became of it, by whichever transaction. */
  setAnswered(expected: readonly (string | undefined)[], statuses: readonly SetStatus[]): void {
    for (const [index, answer] of statuses.entries()) {
      const told = answer.status === 'refused' ? answer.reason : answer.status;
      this.#see(`set item ${told}`);
      this.expect('an answer is true', told === expected[index], () => {
        return `item ${index} of a set was told ${told}, the model says ${expected[index]}`;
      });
    }
  }

  /** One request is answered in one way, however often and wherever it is sent. */
  holdAnswered({ holdId, key, ask }: HoldCommand, answer: HoldAnswer, wasAnswered: boolean): void {
    if (ask.do === 'expire') return;
    const name = `${holdId} ${key}`;
    this.expect('an answer is true', answer.ok || !wasAnswered, () => `${name} was carried out, and is refused now`);
    if (!answer.ok) return;
    const text = JSON.stringify(answer.hold);
    const before = this.#holdAnswers.get(name);
    const holds = before === undefined || (before === text && answer.repeated);
    this.expect('an answer is true', holds, () => `${name} was answered ${before}, and now ${text}`);
    this.#holdAnswers.set(name, text);
    if (answer.repeated) this.#see('hold answered again');
  }

  /** Whether somebody has heard that this request was carried out. */
  isHoldAnswered({ holdId, key }: HoldCommand): boolean {
    return this.#holdAnswers.has(`${holdId} ${key}`);
  }

  #storedHold(walletId: bigint, holdId: string): ModelHold | undefined {
    const hold = this.#model.wallets.get(walletId)?.holds.get(holdId);
    return hold === undefined ? undefined : { ...hold };
  }

  /** On the direct path nobody else is under way: the model says exactly what becomes of a hold. */
  #compareHold(
    what: string,
    { account, holdId }: HoldCommand,
    before: ModelHold | undefined,
    holds: readonly HoldWrite[],
  ): void {
    const wallet = [...this.#model.wallets.values()].find((one) => one.account === account);
    const after = wallet?.holds.get(holdId);
    const isWritten = after !== undefined && (before === undefined || holdText(after) !== holdText(before));
    for (const write of holds) this.#checkHold(write, before);
    // An extension may be carried out and change nothing.
    const isSame =
      holds.length === 1 && after !== undefined && holds.every(({ hold }) => holdText(hold) === holdText(after));
    this.expect('the model agrees', isSame || (!isWritten && holds.length === 0), () => {
      const text = holds.map(({ hold }) => holdText(hold)).join();
      return `${what}: model ${after === undefined ? 'none' : holdText(after)}, written ${text}`;
    });
  }

  #checkHold({ hold, isNew }: HoldWrite, before: ModelHold | undefined): void {
    this.#see(`hold ${hold.state}`);
    const isOpen = isNew ? before === undefined : before?.state === 'open';
    const isBounded = hold.captured <= hold.captureMax && hold.captured > 0n === (hold.state === 'captured');
    this.expect('a hold is closed once', isOpen && isBounded, () => {
      return `${hold.holdId} was ${before?.state ?? 'unknown'} and is ${hold.state} with ${hold.captured} captured`;
    });
  }

  /** The answer a job got: what it says must be in the books. */
  answered(
    items: readonly LaneEvent[],
    statuses: readonly EventStatus[],
    isRefusable: (item: LaneEvent) => boolean,
  ): void {
    this.expect('an answer is true', items.length === statuses.length, () => `${statuses.length} answers`);
    for (const [index, item] of items.entries()) {
      const status = statuses[index];
      const isKnown = this.#model.knows(item.event, item.contentHash);
      const holds = status?.status === 'rejected' ? isRefusable(item) : isKnown;
      this.expect('an answer is true', holds && status?.id === item.event.id, () => {
        return `${item.event.id} was answered ${status?.status}, and the books do not have it`;
      });
    }
  }

  #checkChange(lane: number, change: AdminOutcome['changes'][number]): void {
    this.#see(change.kind);
    if (change.kind === 'release' && Number(change.detail.duplicates ?? 0) > 0) this.#see('closed as a duplicate');
    const before = this.#chains.get(lane) ?? { batchNo: 0, chain: '' };
    this.#chains.set(lane, { batchNo: before.batchNo + 1, chain: undefined });
    const sum = [...change.entries, ...change.contra].reduce((total, { amount }) => total + amount, 0n);
    this.expect('transactions sum to zero', sum === 0n, () => `${change.kind} is off by ${sum}`);
  }

  /** Each wallet's legs one by one, by nothing but what they say. */
  #checkLegs(legs: readonly Leg[], isThaw = false): void {
    for (const { walletId, account, key, kind, amount, seq, balance } of legs) {
      const last = this.#last.get(walletId) ?? { seq: 0n, balance: 0n, isFrozen: false };
      this.expect(
        'entries are numbered without gaps',
        seq === last.seq + 1n && balance === last.balance + amount,
        () => {
          return `${account}: entry ${seq} of ${amount} leaves ${balance} after entry ${last.seq} left ${last.balance}`;
        },
      );
      this.expect('one fate per event', !this.#posted.has(key), () => `${key} is posted twice`);
      this.#posted.add(key);
      if (DEBITS.includes(kind)) {
        const isAllowed = !last.isFrozen || (kind === KIND.released && isThaw);
        this.expect('no usage after a freeze', isAllowed, () => `${account}: entry ${seq} of ${amount} while frozen`);
        const wallet = this.#model.wallets.get(walletId);
        const limit = wallet?.overdraft ?? this.#ruleset.overdraftNanos;
        const held = wallet?.heldInBooks ?? 0n;
        this.expect('available stays within the limit', amount === 0n || balance - held >= -limit, () => {
          return `${account}: entry ${seq} leaves ${balance}, ${held} are held, the limit is ${-limit}`;
        });
      }
      const isFrozen = kind === KIND.freeze || (last.isFrozen && kind !== KIND.thaw);
      this.#last.set(walletId, { seq, balance, isFrozen });
    }
  }

  #compareWallet(wallet: WalletHead): void {
    const expected = this.#model.wallets.get(wallet.walletId);
    const { account, residue, posted, grants } = wallet;
    this.expect('the residue is exact', expected?.residue === residue, () => {
      return `${account} carries ${residue}, the model ${expected?.residue}`;
    });
    const granted = grants.reduce((sum, { remaining }) => sum + remaining, 0n);
    this.expect('grants never exceed the balance', granted === 0n || granted <= posted, () => {
      return `${account} has ${granted} in grants and ${posted} in all`;
    });
    const modelText = expected === undefined ? 'nothing' : modelWalletText(expected);
    this.#compare(`wallet ${account}`, [modelText], [headText(wallet)]);
  }

  #compare(what: string, expected: readonly string[], actual: readonly string[]): void {
    const at = expected.findIndex((text, index) => text !== actual[index]);
    const holds = at === -1 && expected.length === actual.length;
    const index = at === -1 ? expected.length : at;
    this.expect('the model agrees', holds, () => `${what} ${index}: model ${expected[index]}, ledger ${actual[index]}`);
  }
}
