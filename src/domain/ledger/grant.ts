import { lesser } from '../money/nanos.ts';

/** Credit that came in as money, or as a present. */
export type CreditSource = 'paid' | 'promotional';

/**
 * A part of a wallet's credit that is spent in its own order, and may end. Everything else a wallet holds is its base
 * credit: paid top-ups without a date, spent at priority `BASE_PRIORITY`.
 */
export interface Grant {
  readonly grantId: string;
  readonly source: CreditSource;
  /** 0 is spent first, 100 last. */
  readonly priority: number;
  /** The moment from which it cannot be spent any more; null: never. */
  readonly expiresAtMs: number | null;
  readonly createdAtMs: number;
  /** Nano-units left, always positive: a grant that is used up is closed. */
  readonly remaining: bigint;
}

/** What one debit took out of one grant. */
export interface Burn {
  readonly grantId: string;
  readonly amount: bigint;
  readonly remaining: bigint;
}

export const NO_GRANTS: readonly Grant[] = [];

/** Where base credit stands among grants. */
export const BASE_PRIORITY = 50;

const NEVER = Number.POSITIVE_INFINITY;

/** Burn order: priority, then expiry, then age; the id makes it total. Base credit is the oldest without a date. */
export function compareGrants(left: Grant, right: Grant): number {
  return (
    left.priority - right.priority ||
    compareExpiry(left, right) ||
    left.createdAtMs - right.createdAtMs ||
    (left.grantId < right.grantId ? -1 : left.grantId > right.grantId ? 1 : 0)
  );
}

function compareExpiry(left: Grant, right: Grant): number {
  if (left.expiresAtMs === right.expiresAtMs) return 0;
  return (left.expiresAtMs ?? NEVER) < (right.expiresAtMs ?? NEVER) ? -1 : 1;
}

function isBeforeBase(grant: Grant): boolean {
  return grant.priority < BASE_PRIORITY || (grant.priority === BASE_PRIORITY && grant.expiresAtMs !== null);
}

/** Nano-units left in all grants. */
export function grantedCredit(grants: readonly Grant[]): bigint {
  let sum = 0n;
  for (const { remaining } of grants) sum += remaining;
  return sum;
}

/**
 * Takes a debit out of grants and base credit in burn order. What no credit covers makes the base negative, once every
 * grant is used up. Of grants that have expired nothing may be left by then: they are posted as breakage first.
 *
 * @param base credit outside the grants before the debit; may be negative
 * @returns the grants afterwards and what was taken from each; base takes the rest
 */
export function burnGrants(
  grants: readonly Grant[],
  base: bigint,
  amount: bigint,
): { readonly grants: readonly Grant[]; readonly burns: readonly Burn[] } {
  if (grants.length === 0) return { grants, burns: [] };
  const burns: Burn[] = [];
  const left: Grant[] = [];
  let due = amount;
  let isBaseUsed = false;
  for (const grant of grants) {
    if (!isBaseUsed && !isBeforeBase(grant)) {
      isBaseUsed = true;
      if (base > 0n) due -= lesser(base, due);
    }
    const taken = lesser(grant.remaining, due);
    due -= taken;
    const remaining = grant.remaining - taken;
    if (taken > 0n) burns.push({ grantId: grant.grantId, amount: taken, remaining });
    if (remaining > 0n) left.push(taken > 0n ? { ...grant, remaining } : grant);
  }
  return { grants: left, burns };
}

/** One burn a grant, by grant: amounts added, what is left after the last. */
export function sumBurns<B extends Burn>(burns: readonly B[]): readonly B[] {
  const sums = new Map<string, B>();
  for (const burn of burns) {
    const before = sums.get(burn.grantId);
    sums.set(burn.grantId, before === undefined ? burn : { ...burn, amount: before.amount + burn.amount });
  }
  return [...sums.values()].sort((left, right) => (left.grantId < right.grantId ? -1 : 1));
}

/** Grants in burn order with one more. */
export function addGrant(grants: readonly Grant[], grant: Grant): readonly Grant[] {
  return [...grants, grant].sort(compareGrants);
}

/** Grants whose time is over at this moment. */
export function expiredGrants(grants: readonly Grant[], nowMs: number): readonly Grant[] {
  return grants.filter(({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs <= nowMs);
}
