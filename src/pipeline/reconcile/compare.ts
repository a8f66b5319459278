import { Tally } from '../../domain/reconciliation/drift.ts';
import {
  agrees,
  type Difference,
  type Judging,
  judgePair,
  sumOfLedger,
  sumOfStripe,
  type Verdict,
} from '../../domain/reconciliation/judge-pair.ts';
import type { LedgerMovement, Pair, StripeMovement } from '../../domain/reconciliation/movement.ts';
import { pairUp } from '../../domain/reconciliation/pair-up.ts';
import type { ReconcileStore, Run, StripeBalance } from './reconcile-port.ts';

/** Pairs whose owners are looked up at once. */
const OWNERS_AT_ONCE = 500;

/** A pair that differs, with what both sides said. */
export interface Found {
  readonly pair: Pair;
  readonly difference: Difference;
}

export interface Compared {
  /** Everything but what is in `found`. */
  readonly tally: Tally;
  readonly found: readonly Found[];
  /** Differences beyond the number that is looked at: counted, and left for the next run. */
  readonly unlooked: number;
}

/** Merges both sides of a run. Holds the differences, up to a number of them, and nothing else. */
export async function compare(
  store: Pick<ReconcileStore, 'streams' | 'owners'>,
  run: Run,
  { judging, differencesMax }: { readonly judging: Judging; readonly differencesMax: number },
): Promise<Compared> {
  const tally = new Tally();
  const found: Found[] = [];
  let unlooked = 0;
  const judge = async (pairs: readonly Pair[]) => {
    const owners = await store.owners(pairs);
    for (const pair of pairs) {
      const verdict = judgePair(pair, owners.get(pair.reference), judging);
      if (verdict.is !== 'differs') count(tally, pair, verdict);
      else if (isNextDoor(pair, run)) continue;
      else if (found.length < differencesMax) found.push({ pair, difference: verdict.difference });
      else {
        tally.differ(verdict.difference);
        unlooked++;
      }
    }
  };
  await store.streams(run, async (ledger, stripe) => {
    let odd: Pair[] = [];
    for await (const pair of pairUp(ledger, stripe)) {
      // Almost every pair ends here, without a question to the database.
      if (agrees(pair) && judgePair(pair, undefined, judging).is === 'agrees') {
        count(tally, pair, { is: 'agrees' });
        continue;
      }
      odd.push(pair);
      if (odd.length < OWNERS_AT_ONCE) continue;
      await judge(odd);
      odd = [];
    }
    await judge(odd);
  });
  return { tally, found, unlooked };
}

/** Both sides of one pair as they are now, judged again: what was on its way when they were read has arrived. */
export async function lookAgainAt(
  parts: {
    readonly store: Pick<ReconcileStore, 'posted' | 'owners'>;
    readonly balance: Pick<StripeBalance, 'movements'>;
  },
  { pair }: Pick<Found, 'pair'>,
  { run, judging }: { readonly run: Run; readonly judging: Judging },
): Promise<{ readonly pair: Pair; readonly verdict: Verdict }> {
  const { reference } = pair;
  const [posted, stripe] = await Promise.all([parts.store.posted(reference), parts.balance.movements(reference)]);
  const keys = new Set(posted.map(({ key }) => key));
  // What people post under keys of their own is found by its reason, and never goes away.
  const ledger = [...posted, ...pair.ledger.filter(({ key }) => !keys.has(key))];
  const now: Pair = { reference, ledger, stripe };
  const owner = (await parts.store.owners([now])).get(reference);
  const verdict: Verdict =
    ledger.length === 0 && stripe.length === 0 ? { is: 'agrees' } : judgePair(now, owner, judging);
  if (verdict.is === 'agrees' && isAcrossTheEdge(pair, now, run)) {
    const before = judgePair(pair, owner, judging);
    if (before.is === 'differs') return { pair: now, verdict: { is: 'differs', difference: edge(before.difference) } };
  }
  return { pair: now, verdict };
}

function edge(difference: Difference): Difference {
  return {
    ...difference,
    cause: 'timing',
    because: "One side is in the window and the other is not: they agree across the window's edge.",
  };
}

/** Posted in the window, and moved by Stripe before or after it. */
function isAcrossTheEdge(before: Pair, now: Pair, { fromMs, toMs }: Run): boolean {
  return before.stripe.length === 0 && now.stripe.some(({ atMs }) => atMs < fromMs || atMs >= toMs);
}

/** Read for the sake of the window's edge, and the other side is not in it: another window's business. */
function isNextDoor({ ledger, stripe }: Pair, run: Run): boolean {
  return stripe.length === 0 && ledger.every(({ atMs }) => atMs < run.fromMs || atMs >= run.toMs);
}

/** Counts a pair that is no difference. */
export function count(tally: Tally, { ledger, stripe }: Pair, { is }: Pick<Verdict, 'is'>): void {
  if (is === 'foreign') tally.foreign();
  else tally.agree(currencyOf(ledger, stripe), sumOfLedger(ledger), sumOfStripe(stripe));
}

function currencyOf(ledger: readonly LedgerMovement[], stripe: readonly StripeMovement[]): string {
  return (ledger[0] ?? stripe[0])?.currency ?? '';
}
