import { expect } from 'vitest';
import { addressOf } from '../../src/domain/ids.ts';
import { parseQuantity, type Quantity } from '../../src/domain/money/quantity.ts';
import type { Ruleset } from '../../src/domain/rules/ruleset.ts';
import { AppError } from '../../src/errors.ts';
import type { AdminStore } from '../../src/pipeline/admin/admin-store.ts';
import { type CorrectTo, correctEvent } from '../../src/pipeline/admin/correct-event.ts';
import { type EventReference, findPostedEvent } from '../../src/pipeline/admin/find-posted-event.ts';
import type { UsageFilter } from '../../src/pipeline/admin/quarantine-store.ts';
import { settleQuarantine } from '../../src/pipeline/admin/settle-quarantine.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { TEST_LANES } from './admin-database.ts';
import { PLAIN_RULESET, START_MS, type TestLedger, USD } from './ledger.ts';

let keys = 0;

/** What every request of these tests carries; each has a key of its own unless it is given one. */
export function requestOf(over: { readonly key?: string; readonly dryRun?: boolean; readonly nowMs?: number } = {}) {
  return { key: `key-${++keys}`, actor: 'test', reason: 'a test', nowMs: START_MS, dryRun: false, ...over };
}

/** An exact quantity of its text. */
export function quantityOf(text: string): Quantity {
  const quantity = parseQuantity(text);
  if (typeof quantity === 'string') throw new Error(quantity);
  return quantity;
}

/** Finds a posted event of the source `api` and corrects it. */
export async function correctById(
  ledger: Pick<TestLedger, 'queries'> & { readonly admin: AdminStore },
  id: string,
  to: CorrectTo,
  over: Parameters<typeof requestOf>[0] & { readonly reference?: EventReference } = {},
) {
  const { reference = { tenant: 'default', id, source: 'api' }, ...rest } = over;
  const event = await findPostedEvent(ledger, reference);
  return correctEvent(ledger.admin, { ...requestOf(rest), event, to, ruleset: PLAIN_RULESET });
}

/** Credits an account with dollars. */
export function creditDollars(ledger: TestLedger, account: string, dollars: number) {
  const { overdraftNanos } = PLAIN_RULESET;
  const amount = BigInt(dollars) * USD;
  const what = { tenant: 'default', account, currency: 'USD', amount, source: 'paid' as const, overdraftNanos };
  return topUp(ledger.admin, { ...requestOf(), ...what });
}

/** The code an error carries; says so when nothing was thrown. */
export function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
}

/** Every proof of the books holds. */
export async function expectProven(ledger: TestLedger, ruleset = PLAIN_RULESET): Promise<void> {
  expect((await ledger.queries.proofs(ruleset)).filter(({ ok }) => !ok)).toEqual([]);
}

/** The balance of an account's wallet, nano-units. */
export async function balanceOf(ledger: TestLedger, account: string): Promise<bigint> {
  const [wallet] = await ledger.queries.wallets({ tenant: 'default', account, limit: 1 });
  return wallet?.posted ?? 0n;
}

/** An account of another lane, whose writer is open already and learns nothing of keys that other lanes post. */
export async function accountElsewhere(ledger: TestLedger, than: string): Promise<string> {
  const laneOf = (account: string) => addressOf('default', account, 'USD').shard % TEST_LANES;
  const names = Array.from({ length: 50 }, (_, index) => `there-${index}`);
  const found = names.find((account) => laneOf(account) !== laneOf(than));
  if (found === undefined) throw new Error('no account of another lane');
  await ledger.use(found, [{ id: `first of ${found}` }]);
  return found;
}

/** PLAIN_RULESET with a price of one dollar for the meter `gpu`, which it does not know. */
export const PRICED_RULESET: Ruleset = {
  ...PLAIN_RULESET,
  hash: 'priced',
  pricing: {
    ...PLAIN_RULESET.pricing,
    meters: new Map([
      ...PLAIN_RULESET.pricing.meters,
      ['gpu', { name: 'gpu', unit: 'gpu', kind: 'usage', prices: [{ fromMs: 0, coefficient: USD, decimals: 0 }] }],
    ]),
  },
};

/** Posts or voids quarantined usage of the default tenant. */
export function settle(
  ledger: { readonly admin: AdminStore },
  what: 'post' | 'void',
  filter: Omit<UsageFilter, 'tenant'> = {},
  over: Parameters<typeof requestOf>[0] & { readonly ruleset?: Ruleset } = {},
) {
  const { ruleset = PLAIN_RULESET, ...rest } = over;
  const { pricing, overdraftNanos } = ruleset;
  const request = { ...requestOf(rest), what, filter: { tenant: 'default', ...filter }, pricing, overdraftNanos };
  return settleQuarantine(ledger.admin, request);
}

/** What is open in quarantine: `reason events` of each reason. */
export async function openReasons(ledger: TestLedger): Promise<readonly string[]> {
  const { totals } = await ledger.queries.quarantine({ tenant: 'default', status: 'open', limit: 1 });
  return totals.map(({ reason, events }) => `${reason} ${events}`).sort();
}
