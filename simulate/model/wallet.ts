import { type EventKey, eventKeyOf, formatEventKey } from '../../src/domain/events/event-key.ts';
import type { UsageEvent } from '../../src/domain/events/usage-event.ts';
import { divideHalfEven, lesser } from '../../src/domain/money/nanos.ts';
import type { ModelHold } from './hold.ts';

const ATTOS = 10n ** 18n;

export interface ModelGrant {
  readonly grantId: string;
  readonly priority: number;
  readonly expiresAtMs: number | null;
  readonly createdAtMs: number;
  remaining: bigint;
}

/** Quarantined usage, in the order of arrival. */
export interface ModelUsage {
  readonly key: EventKey;
  readonly contentHash: bigint;
  /** Exact cost in 10^-18 nano-units; null without a price. */
  readonly exact: bigint | null;
  readonly event: UsageEvent;
  reason: string;
  status: 'open' | 'posted' | 'void' | 'duplicate';
  /** Key of the request that closed it, when it was one by filter. */
  closedBy?: string;
}

/** A spending limit; periods are numbered from the epoch. */
export interface ModelThrottle {
  limit: bigint;
  periodMs: number;
  period: number;
  spent: bigint;
  /** The last message that the limit is hit: it counts for its period, while no other message has followed it. */
  told: { readonly period: number; readonly sequence: number } | null;
}

export interface ModelEntry {
  readonly key: string;
  readonly kind: number;
  readonly amount: bigint;
  readonly seq: bigint;
  readonly balance: bigint;
}

/** Kinds of entries as they are stored; written down again, so that a changed number is noticed. */
export const KIND = {
  usage: 1,
  fact: 2,
  topup: 3,
  freeze: 4,
  thaw: 5,
  released: 6,
  captured: 7,
  reversal: 8,
  amended: 9,
  expired: 10,
  refund: 11,
  dispute: 12,
  reinstate: 13,
  correct: 14,
  grant: 15,
  charged: 16,
  credited: 17,
} as const;

/** A wallet as the model has it: plain values and lists, changed one event at a time. */
export class ModelWallet {
  readonly walletId: bigint;
  readonly account: string;
  readonly tenant: string;
  status = 'active';
  statusSequence = 0;
  frozenAtMs: number | null = null;
  frozenUntilMs: number | null = null;
  posted = 0n;
  /** What all charges cost exactly, and what was paid for them, both in 10^-18 nano-units. */
  owed = 0n;
  paid = 0n;
  overdraft: bigint | null = null;
  throttle: ModelThrottle | null = null;
  grants: ModelGrant[] = [];
  usage: ModelUsage[] = [];
  holds = new Map<string, ModelHold>();
  /** What a batch judged with, where that was not what is stored: holds that were on their way to the books. */
  heldInMemory: bigint | undefined;
  seq = 0n;

  constructor(tenant: string, account: string, walletId: bigint) {
    this.tenant = tenant;
    this.account = account;
    this.walletId = walletId;
  }

  clone(): ModelWallet {
    const copy = Object.assign(new ModelWallet(this.tenant, this.account, this.walletId), this);
    copy.throttle = this.throttle === null ? null : { ...this.throttle };
    copy.grants = this.grants.map((grant) => ({ ...grant }));
    copy.usage = this.usage.map((row) => ({ ...row }));
    copy.holds = new Map(
      [...this.holds].map(([id, hold]) => [id, { ...hold, answered: new Set(hold.answered) }] as const),
    );
    return copy;
  }

  get residue(): bigint {
    return this.owed - this.paid;
  }

  get granted(): bigint {
    return this.grants.reduce((sum, { remaining }) => sum + remaining, 0n);
  }

  /** What open holds reserve, as whoever judges now sees it. */
  get held(): bigint {
    return this.heldInMemory ?? this.heldInBooks;
  }

  get heldInBooks(): bigint {
    let held = 0n;
    for (const { state, amount } of this.holds.values()) if (state === 'open') held += amount;
    return held;
  }

  open(reason: string): ModelUsage[] {
    return this.usage.filter((row) => row.status === 'open' && row.reason === reason);
  }

  /** What everything open in quarantine costs, each rounded by itself. */
  get quarantined(): bigint {
    const open = this.usage.filter(({ status }) => status === 'open');
    return open.reduce((sum, { exact }) => sum + (exact === null ? 0n : rounded(exact)), 0n);
  }

  /** Whole nano-units to pay for an exact charge now. A charge without a fraction is paid as it is. */
  toPay(exact: bigint): bigint {
    return exact % ATTOS === 0n ? exact / ATTOS : rounded(exact + this.residue);
  }

  /** Why this much cannot be spent now. */
  refusal(amount: bigint, overdraftDefault: bigint, nowMs: number): string | undefined {
    if (amount === 0n) return undefined;
    if (this.posted - this.held - amount < -(this.overdraft ?? overdraftDefault)) return 'over_limit';
    if (this.throttle === null) return undefined;
    return amount <= roomOf(this.throttle, nowMs) ? undefined : 'throttled';
  }

  /** Whether services know that this period's limit is hit, and have heard nothing since. */
  isToldThrottled(nowMs: number): boolean {
    const { throttle } = this;
    if (throttle === null || throttle.told === null) return false;
    return throttle.told.sequence === this.statusSequence && throttle.told.period === periodOf(throttle, nowMs);
  }

  /** Usage was throttled: services hear of it once a period, unless they have heard something else since. */
  tellThrottled(nowMs: number): void {
    if (this.throttle === null || this.isToldThrottled(nowMs)) return;
    this.statusSequence++;
    this.throttle.told = { period: periodOf(this.throttle, nowMs), sequence: this.statusSequence };
  }

  /** A new limit keeps what the period has spent, unless periods get another length. */
  limitSpending(limit: { readonly limit: bigint; readonly periodMs: number } | null, nowMs: number): void {
    const wasTold = this.isToldThrottled(nowMs);
    const { throttle } = this;
    if (limit === null) this.throttle = null;
    else if (throttle === null || throttle.periodMs !== limit.periodMs) {
      this.throttle = { ...limit, period: Math.floor(nowMs / limit.periodMs), spent: 0n, told: null };
    } else {
      const period = periodOf(throttle, nowMs);
      const spent = period > throttle.period ? 0n : throttle.spent;
      this.throttle = { ...throttle, limit: limit.limit, period, spent };
    }
    const hasRoom = this.throttle === null || roomOf(this.throttle, nowMs) > 0n;
    if (wasTold && hasRoom && this.status === 'active') this.statusSequence++;
  }

  /** Posts a charge that fits. */
  charge(key: EventKey, exact: bigint, kind: number, nowMs: number): ModelEntry {
    const amount = this.toPay(exact);
    if (exact % ATTOS !== 0n) {
      this.owed += exact;
      this.paid += amount * ATTOS;
    }
    return this.#debit(key, kind, amount, nowMs);
  }

  /** Posts what a hold is captured with: a whole amount, counted for the spending limit and not stopped by it. */
  capture(key: EventKey, amount: bigint, nowMs: number): ModelEntry {
    return this.#debit(key, KIND.captured, amount, nowMs);
  }

  /** A debit in burn order that no spending limit counts. */
  debit(key: EventKey, kind: number, amount: bigint): ModelEntry {
    this.#spend(amount, true);
    return this.post(formatEventKey(key), kind, -amount);
  }

  /** A debit that is no usage: base credit first, grants for what it cannot give. */
  takeOut(key: EventKey, kind: number, amount: bigint): ModelEntry {
    this.#spend(amount, false);
    return this.post(formatEventKey(key), kind, -amount);
  }

  post(key: string, kind: number, amount: bigint): ModelEntry {
    this.posted += amount;
    this.seq += 1n;
    return { key, kind, amount, seq: this.seq, balance: this.posted };
  }

  /** Ends grants whose time is over. */
  expire(nowMs: number): ModelEntry[] {
    const entries: ModelEntry[] = [];
    let free = this.posted - this.held;
    for (const grant of [...this.grants].sort(inBurnOrder)) {
      if (grant.expiresAtMs === null || grant.expiresAtMs > nowMs) continue;
      const amount = lesser(grant.remaining, free);
      if (amount <= 0n) continue;
      free -= amount;
      grant.remaining -= amount;
      const id = `grant-expiry:${grant.grantId}:${this.seq + 1n}`;
      entries.push(this.post(this.ownKey(id, nowMs), KIND.expired, -amount));
    }
    this.grants = this.grants.filter(({ remaining }) => remaining > 0n);
    return entries;
  }

  freeze(nowMs: number, untilMs: number): void {
    this.status = 'frozen';
    this.statusSequence++;
    this.frozenAtMs ??= nowMs;
    this.frozenUntilMs = untilMs;
  }

  thaw(): void {
    this.status = 'active';
    this.statusSequence++;
    this.frozenAtMs = null;
    this.frozenUntilMs = null;
  }

  /** The key of an entry that the ledger makes by itself. */
  ownKey(id: string, atMs: number): string {
    return formatEventKey(this.ownEventKey(id, atMs));
  }

  ownEventKey(id: string, atMs: number): EventKey {
    return eventKeyOf({ tenant: this.tenant, source: 'tollkeeper', id, occurredAtMs: atMs });
  }

  #debit(key: EventKey, kind: number, amount: bigint, nowMs: number): ModelEntry {
    if (this.throttle !== null) {
      const period = Math.floor(nowMs / this.throttle.periodMs);
      if (period > this.throttle.period) this.throttle = { ...this.throttle, period, spent: 0n };
      this.throttle.spent += amount;
    }
    return this.debit(key, kind, amount);
  }

  /** Takes a debit out of pots in burn order; what no pot covers leaves base credit negative. */
  #spend(amount: bigint, isUsage: boolean): void {
    const base = this.posted - this.granted;
    const pots = [...this.grants].sort(inBurnOrder);
    let left = amount;
    let isBaseUsed = false;
    const useBase = () => {
      isBaseUsed = true;
      if (base > 0n) left -= lesser(base, left);
    };
    if (!isUsage) useBase();
    for (const pot of pots) {
      const isBeforeBase = pot.priority < 50 || (pot.priority === 50 && pot.expiresAtMs !== null);
      if (!isBaseUsed && !isBeforeBase) useBase();
      const taken = lesser(pot.remaining, left);
      pot.remaining -= taken;
      left -= taken;
    }
    this.grants = this.grants.filter(({ remaining }) => remaining > 0n);
  }
}

/** A clock that goes back stays in the later period. */
function periodOf({ period, periodMs }: ModelThrottle, nowMs: number): number {
  return Math.max(period, Math.floor(nowMs / periodMs));
}

/** What may still be spent in the period of this moment. */
export function roomOf(throttle: ModelThrottle, nowMs: number): bigint {
  return throttle.limit - (periodOf(throttle, nowMs) > throttle.period ? 0n : throttle.spent);
}

/** An exact amount in whole nano-units, half to even. */
export function rounded(exact: bigint): bigint {
  return divideHalfEven(exact, ATTOS);
}

function inBurnOrder(left: ModelGrant, right: ModelGrant): number {
  const ends = ({ expiresAtMs }: ModelGrant) => expiresAtMs ?? Number.MAX_SAFE_INTEGER;
  return (
    left.priority - right.priority ||
    ends(left) - ends(right) ||
    left.createdAtMs - right.createdAtMs ||
    (left.grantId < right.grantId ? -1 : 1)
  );
}
