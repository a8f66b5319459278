import { type EventKey, eventKeyOf, formatEventKey } from '../../src/domain/events/event-key.ts';
import type { UsageEvent } from '../../src/domain/events/usage-event.ts';
import { addressOf, derivedId } from '../../src/domain/ids.ts';
import { priceAt, pricesFor } from '../../src/domain/rules/price-book.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import type { SetItem } from '../../src/pipeline/admin/post-set.ts';
import type { HoldOperation, HoldWrite } from '../../src/pipeline/holds/hold-rows.ts';
import type { BatchRecord, FactRow } from '../../src/pipeline/lane/batch-record.ts';
import { identityOf } from '../../src/pipeline/lane/moving-sources.ts';
import { type Command, commandText } from '../command.ts';
import { MOVING_SOURCE } from '../usage.ts';
import { applyCommand, type ModelChange } from './change.ts';
import type { ModelCharge } from './correct.ts';
import { type ModelSet, postSet } from './set.ts';
import type { SettleState } from './settle.ts';
import { KIND, type ModelEntry, type ModelUsage, ModelWallet, rounded } from './wallet.ts';

/** Who holds a key: an entry, or a row of quarantine. */
interface KeyHolder {
  readonly contentHash: bigint;
  readonly lane: number;
  readonly isPosted: boolean;
}

/** Commands whose further transactions post what waits, and leave no answer. */
const RELEASES_ON: ReadonlySet<Command['do']> = new Set(['topup', 'adjust', 'limits']);

/** Commands whose transactions keep no answer: nobody asks for them, or all of them have one answer together. */
const UNASKED: ReadonlySet<Command['do']> = new Set(['expire', 'release', 'settle']);

/** Nano-units held, by wallet. */
export type Held = ReadonlyMap<bigint, bigint>;

/** What the model says of one batch. */
export interface ModelBatch {
  readonly statuses: readonly string[];
  readonly entries: readonly ModelEntry[];
  readonly quarantined: readonly string[];
  readonly wallets: ReadonlySet<ModelWallet>;
}

export interface ModelOptions {
  readonly ruleset: Ruleset;
  readonly lateWindowMs: number;
  readonly releaseMax: number;
}

/**
 * The ledger, simply: maps and lists, every event once in recorded order, one at a time. It shares no posting code with
 * the ledger, only what money, prices and keys are. Freezes that rules decide are taken as given.
 */
export class Model {
  readonly wallets = new Map<bigint, ModelWallet>();
  readonly holders = new Map<string, KeyHolder[]>();
  /** What posted events charge, by key. */
  readonly charges = new Map<string, ModelCharge>();
  /** How far attempts at settling are, by wallet. */
  readonly #settling = new WeakMap<object, Map<bigint, SettleState>>();
  /** Every key under which an id was seen, by lane: the same id at another time is a copy. */
  readonly #ids = new Map<string, string[]>();
  readonly #answers = new Map<string, string>();
  /** When identities of moving sources were seen, whichever lane it was. */
  readonly #seenAt = new Map<string, number>();
  #entriesFromMs = 0;
  readonly #clocks = new Map<number, number>();
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  /**
   * Applies the events of a committed batch, in its order.
   *
   * @param held what the batch's wallets held when it was judged
   */
  applyBatch(batch: BatchRecord, held: Held): ModelBatch {
    for (const [walletId, wallet] of this.wallets) wallet.heldInMemory = held.get(walletId);
    try {
      return this.#applyBatch(batch);
    } finally {
      for (const wallet of this.wallets.values()) wallet.heldInMemory = undefined;
    }
  }

  #applyBatch(batch: BatchRecord): ModelBatch {
    const freezes = new Set(
      batch.decisions.filter(({ outcome }) => outcome === 'freeze').map(({ decisionId }) => decisionId),
    );
    // The batch was judged with what was known when it began.
    const sinceMs = this.clockOf(batch.lane) - this.#options.lateWindowMs;
    const kept: FactRow[] = [];
    const statuses: string[] = [];
    const entries: ModelEntry[] = [];
    const quarantined: string[] = [];
    const wallets = new Set<ModelWallet>();
    for (const fact of batch.facts) {
      const identity = this.#identify(batch.lane, fact, sinceMs);
      if (identity.kind === 'new' && fact.item.event.source === MOVING_SOURCE) kept.push(fact);
      statuses.push(identity.kind);
      if (identity.kind === 'duplicate') continue;
      const wallet = this.#walletOf(fact.item.event);
      wallets.add(wallet);
      const one = this.#apply(wallet, fact, identity, batch.lane);
      statuses[statuses.length - 1] = one.status;
      entries.push(...one.entries);
      quarantined.push(...one.quarantined);
      const { key, contentHash } = fact.item;
      const decisionId = derivedId('dec', [formatEventKey(key), contentHash.toString(), this.#options.ruleset.hash]);
      // The judge is outside the model; that a freeze it asks for holds from the next event on is not.
      if (freezes.has(decisionId) && wallet.status === 'active' && isCarriedOut(batch, decisionId)) {
        wallet.freeze(fact.ingestedAtMs, fact.ingestedAtMs + this.#options.ruleset.freeze.hours * HOUR_MS);
        const id = `status:${wallet.walletId}:${wallet.statusSequence}`;
        entries.push(wallet.post(wallet.ownKey(id, fact.ingestedAtMs), KIND.freeze, 0n));
      }
    }
    for (const { item } of kept) this.#seenAt.set(identityOf(item.key), batch.clockMs);
    return { statuses, entries, quarantined, wallets };
  }

  /** Applies one transaction of a command; a refused one changes nothing. */
  applyCommand(
    command: Command,
    terms: {
      readonly walletId: bigint;
      readonly atMs: number;
      readonly nowMs: number;
      readonly round: number;
      readonly lane: number;
      readonly attempt: object;
      readonly usageDays: readonly number[];
      readonly looks: ReadonlySet<string>[];
    },
  ): ModelChange & { readonly wallet: ModelWallet | undefined } {
    const { walletId, usageDays } = terms;
    const known = this.wallets.get(walletId);
    const isAsked = !UNASKED.has(command.do) && !(RELEASES_ON.has(command.do) && terms.round > 0);
    const answer = isAsked ? this.#answers.get(command.key) : undefined;
    const text = commandText(command);
    if (answer !== undefined) {
      const refused = answer === text ? undefined : 'IDEMPOTENCY_CONFLICT';
      if (refused !== undefined) return { refused, wallet: known };
      return { refused: undefined, entries: [], isAnswered: false, wallet: known };
    }
    if (known === undefined && command.do !== 'topup') {
      return { refused: undefined, entries: [], isAnswered: false, wallet: undefined };
    }
    const wallet = known?.clone() ?? new ModelWallet('default', command.account, walletId);
    const { ruleset, releaseMax } = this.#options;
    const event = command.do === 'amend' ? command.event : '';
    const settling = this.#settling.get(terms.attempt) ?? new Map<bigint, SettleState>();
    const change = applyCommand(
      wallet,
      command,
      { ...terms, overdraftDefault: ruleset.overdraftNanos, releaseMax },
      {
        charge: this.charges.get(event),
        exactCost: (usage) => this.#exactCost(usage),
        usageDays,
        settling: settling.get(walletId) ?? { seen: 0, isFull: false },
      },
    );
    if (change.refused !== undefined) return { ...change, wallet: known };
    this.wallets.set(walletId, wallet);
    if (change.isAnswered) this.#answers.set(command.key, text);
    if (change.charge !== undefined) this.charges.set(event, change.charge);
    if (change.settling !== undefined) {
      this.#settling.set(terms.attempt, settling.set(walletId, change.settling));
    }
    for (const { key, kind, amount } of change.entries) {
      if (kind === KIND.released) this.#noteCharge(key, usageOf(wallet, key)?.event, amount);
      this.#hold(key, {
        contentHash: kind === KIND.released ? (usageOf(wallet, key)?.contentHash ?? 0n) : 0n,
        lane: terms.lane,
        isPosted: true,
      });
    }
    return { ...change, wallet };
  }

  /** Posts one lane's share of a set. */
  applySet(lane: number, items: readonly SetItem[]): ModelSet {
    const { ruleset } = this.#options;
    const set = postSet(items, {
      walletOf: (walletId) => this.wallets.get(walletId),
      posted: (key) => this.holders.get(key)?.find(({ isPosted }) => isPosted)?.contentHash,
      entriesFromMs: this.#entriesFromMs,
      overdraftDefault: ruleset.overdraftNanos,
      currency: ruleset.pricing.currency,
    });
    for (const { key, contentHash } of set.entries) this.#hold(key, { contentHash, lane, isPosted: true });
    return set;
  }

  /** Stores what a lane's writer committed beside its batches; the caller has looked at it. */
  applyHolds(holds: readonly HoldWrite[], operations: readonly HoldOperation[]): void {
    for (const { hold } of holds) {
      const wallet = this.wallets.get(hold.walletId);
      const answered = wallet?.holds.get(hold.holdId)?.answered ?? new Set();
      wallet?.holds.set(hold.holdId, { ...hold, answered });
      for (const { holdId, key } of operations) if (holdId === hold.holdId) answered.add(key);
    }
  }

  /** Keys of a wallet's open usage that somebody else has posted. */
  takenKeys(walletId: bigint): ReadonlySet<string> {
    const open = this.wallets.get(walletId)?.usage.filter(({ status }) => status === 'open') ?? [];
    const keys = open.map(({ key }) => formatEventKey(key));
    return new Set(keys.filter((key) => this.holders.get(key)?.some(({ isPosted }) => isPosted) === true));
  }

  /** The lane's clock: it never goes back. */
  clockOf(lane: number): number {
    return this.#clocks.get(lane) ?? 0;
  }

  setClock(lane: number, clockMs: number): void {
    this.#clocks.set(lane, clockMs);
  }

  /** Days before are closed. */
  closeDays(beforeMs: number): void {
    this.#entriesFromMs = Math.max(this.#entriesFromMs, beforeMs);
  }

  /** Whether this very content is known under the event's key or as an altered copy of it. */
  knows(event: UsageEvent, contentHash: bigint): boolean {
    const keys = [formatEventKey(eventKeyOf(event)), formatEventKey(eventKeyOf(event, contentHash))];
    return keys.some((key) => this.holders.get(key)?.some((holder) => holder.contentHash === contentHash) === true);
  }

  #noteCharge(key: string, event: UsageEvent | undefined, amount: bigint): void {
    if (event !== undefined) this.charges.set(key, { event, amount: -amount, corrections: 0, isVoid: false });
  }

  #walletOf({ tenant, account }: UsageEvent): ModelWallet {
    const { walletId } = addressOf(tenant, account, this.#options.ruleset.pricing.currency);
    const wallet = this.wallets.get(walletId) ?? new ModelWallet(tenant, account, walletId);
    this.wallets.set(walletId, wallet);
    return wallet;
  }

  /**
   * Whether an identity of a moving source was seen since then. Undefined where both answers are right: another lane may
   * have forgotten it, and a takeover may have loaded the key of one that is older.
   */
  #isMoved(key: EventKey, sinceMs: number): boolean | undefined {
    const seenAtMs = this.#seenAt.get(identityOf(key));
    if (seenAtMs === undefined) return false;
    if (seenAtMs < sinceMs) return undefined;
    const latestMs = Math.max(...this.#clocks.values());
    return seenAtMs < latestMs - this.#options.lateWindowMs ? undefined : true;
  }

  #identify(
    lane: number,
    { item, status }: FactRow,
    sinceMs: number,
  ): { readonly kind: 'new' | 'duplicate' | 'altered' } {
    const key = formatEventKey(item.key);
    const variant = formatEventKey(eventKeyOf(item.event, item.contentHash));
    const exact = this.holders.get(key) ?? [];
    const elsewhere = (this.#ids.get(idOf(lane, item.event)) ?? []).filter((other) => other !== key);
    const known = [...exact, ...elsewhere.flatMap((other) => this.holders.get(other) ?? [])];
    const isRepeated = known.some(({ contentHash }) => contentHash === item.contentHash) || this.holders.has(variant);
    const expected = known.length === 0 ? 'new' : isRepeated ? 'duplicate' : 'altered';
    // No index spans entries and quarantine: a lane does not see what another one has only quarantined, nor an entry that
    // is committed while it quarantines, and two holders of one key hide each other. Either answer keeps the key from being charged twice.
    const isElsewhere = known.length > 0 && known.every((holder) => holder.lane !== lane);
    const isUnseen =
      status === 'posted'
        ? known.every(({ isPosted }) => !isPosted)
        : status !== 'duplicate' && status !== 'altered' && known.every(({ isPosted }) => isPosted);
    if (isElsewhere && isUnseen) return { kind: 'new' };
    if (expected === 'new' && item.event.source === MOVING_SOURCE) {
      const isMoved = this.#isMoved(item.key, sinceMs) ?? (status === 'altered' || status === 'duplicate');
      if (isMoved) return { kind: this.holders.has(variant) ? 'duplicate' : 'altered' };
    }
    if (exact.length > 1 && expected === 'duplicate' && status === 'altered') return { kind: 'altered' };
    return { kind: expected };
  }

  #apply(
    wallet: ModelWallet,
    { item, ingestedAtMs: nowMs }: FactRow,
    { kind }: { readonly kind: string },
    lane: number,
  ): { readonly status: string; readonly entries: readonly ModelEntry[]; readonly quarantined: readonly string[] } {
    const { event, contentHash } = item;
    const entries: ModelEntry[] = [];
    if (wallet.status === 'frozen' && wallet.frozenUntilMs !== null && nowMs >= wallet.frozenUntilMs) {
      wallet.thaw();
      const id = `status:${wallet.walletId}:${wallet.statusSequence}`;
      entries.push(wallet.post(wallet.ownKey(id, nowMs), KIND.thaw, 0n));
    }
    entries.push(...wallet.expire(nowMs));
    const exact = this.#exactCost(event);
    const reason = kind === 'altered' ? 'altered' : this.#refusal(wallet, event, exact, nowMs);
    const key = kind === 'altered' ? eventKeyOf(event, contentHash) : item.key;
    const text = formatEventKey(key);
    this.#hold(text, { contentHash, lane, isPosted: reason === undefined });
    const id = idOf(lane, event);
    if (kind !== 'altered') this.#ids.set(id, [...(this.#ids.get(id) ?? []), text]);
    if (reason === undefined && exact !== null) {
      const isFact = this.#options.ruleset.pricing.meters.get(event.meter)?.kind === 'fact';
      const entry = wallet.charge(key, exact, isFact ? KIND.fact : KIND.usage, nowMs);
      entries.push(entry);
      this.#noteCharge(text, event, entry.amount);
      return { status: 'posted', entries, quarantined: [] };
    }
    if (reason === 'throttled') wallet.tellThrottled(nowMs);
    wallet.usage.push({ key, contentHash, exact, event, reason: reason ?? 'unknown_meter', status: 'open' });
    const amount = exact === null ? null : rounded(exact);
    const left = exact === null || amount === null ? 0n : exact - amount * 10n ** 18n;
    return { status: reason ?? '', entries, quarantined: [[text, reason, amount, left].join(' ')] };
  }

  #refusal(wallet: ModelWallet, event: UsageEvent, exact: bigint | null, nowMs: number): string | undefined {
    if (event.occurredAtMs > nowMs + 5 * MINUTE_MS) return 'in_future';
    if (event.occurredAtMs < nowMs - this.#options.lateWindowMs) return 'too_late';
    if (event.occurredAtMs < this.#entriesFromMs) return 'too_late';
    if (exact === null) return 'unknown_meter';
    if (wallet.status !== 'active') return 'frozen';
    return wallet.refusal(wallet.toPay(exact), this.#options.ruleset.overdraftNanos, nowMs);
  }

  /** In 10^-18 nano-units; null without a price. */
  #exactCost({ account, meter, quantity, occurredAtMs }: UsageEvent): bigint | null {
    const { pricing } = this.#options.ruleset;
    const price = priceAt(pricesFor(pricing, account, meter) ?? [], occurredAtMs);
    if (price === undefined || !pricing.meters.has(meter)) return null;
    const decimals = BigInt(18 - quantity.decimals - price.decimals);
    return quantity.coefficient * price.coefficient * 10n ** decimals;
  }

  /** A row of quarantine that is posted keeps its key, now as an entry. */
  #hold(key: string, holder: KeyHolder): void {
    const others = (this.holders.get(key) ?? []).filter(({ contentHash }) => contentHash !== holder.contentHash);
    this.holders.set(key, [...others, holder]);
  }
}

function isCarriedOut(batch: BatchRecord, decisionId: string): boolean {
  return batch.decisions.some(({ decisionId: id, evidence }) => {
    const isObject = typeof evidence === 'object' && evidence !== null && 'notFrozenBecause' in evidence;
    return id === decisionId && isObject && evidence.notFrozenBecause === null;
  });
}

function idOf(lane: number, { tenant, source, id }: UsageEvent): string {
  return [lane, tenant, source, id].join('\u0000');
}

function usageOf(wallet: ModelWallet, key: string): ModelUsage | undefined {
  return wallet.usage.find((row) => formatEventKey(row.key) === key);
}
