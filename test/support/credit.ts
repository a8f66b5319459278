import { expect } from 'vitest';
import { walletsWithEndedCredit, walletsWithRoom } from '../../src/adapters/postgres/due-wallets.ts';
import type { AdjustmentKind } from '../../src/domain/ledger/adjust-wallet.ts';
import { AppError } from '../../src/errors.ts';
import { type AdjustRequest, adjust } from '../../src/pipeline/admin/adjust.ts';
import { expireCreditOf } from '../../src/pipeline/admin/expire-credit.ts';
import { releaseThrottled } from '../../src/pipeline/admin/release-throttled.ts';
import { type LimitsRequest, setLimits } from '../../src/pipeline/admin/set-limits.ts';
import { type TopUpRequest, topUp } from '../../src/pipeline/admin/top-up.ts';
import { PLAIN_RULESET, START_MS, type TestLedger, USD } from './ledger.ts';

const { overdraftNanos } = PLAIN_RULESET;
let keys = 0;

function request() {
  return { key: `credit-${++keys}`, actor: 'test', nowMs: START_MS, dryRun: false };
}

/** Tops an account up by so many dollars. */
export function credit(ledger: TestLedger, account: string, dollars: number, over: Partial<TopUpRequest> = {}) {
  const amount = BigInt(dollars) * USD;
  const paid = { tenant: 'default', account, currency: 'USD', amount, source: 'paid' as const, reason: null };
  return topUp(ledger.admin, { ...request(), ...paid, overdraftNanos, ...over });
}

/** Refunds, disputes, reinstates or corrects so many dollars. */
export function move(
  ledger: TestLedger,
  kind: AdjustmentKind,
  account: string,
  dollars: number,
  over: Partial<AdjustRequest> = {},
) {
  const wallet = { tenant: 'default', name: account };
  const amount = BigInt(dollars) * USD;
  return adjust(ledger.admin, { ...request(), wallet, kind, amount, reason: 'a test', overdraftNanos, ...over });
}

/** Sets limits of an account's wallet. */
export function limit(ledger: TestLedger, account: string, over: Partial<LimitsRequest>) {
  const wallet = { tenant: 'default', name: account };
  return setLimits(ledger.admin, { ...request(), wallet, reason: 'a test', overdraftNanos, ...over });
}

/** What the sweeper does at a moment, once; how many wallets it found something to do for. */
export async function sweep(ledger: TestLedger, nowMs: number): Promise<number> {
  const ended = await walletsWithEndedCredit(ledger.pool, nowMs);
  for (const due of ended) await expireCreditOf(ledger.admin, { ...due, nowMs });
  const roomy = await walletsWithRoom(ledger.pool, nowMs);
  for (const due of roomy) await releaseThrottled(ledger.admin, { ...due, nowMs, overdraftNanos });
  return ended.length + roomy.length;
}

/** Every proof of the books holds. */
export async function expectProven(ledger: TestLedger): Promise<void> {
  const failed = (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok);
  expect(failed).toEqual([]);
}

/** The code a request is refused with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
}

/** The wallet of an account as it is stored. */
export async function walletOf(ledger: TestLedger, account: string, currency = 'USD') {
  const [wallet] = await ledger.admin.findWallets({ tenant: 'default', name: account, currency });
  if (wallet === undefined) throw new Error(`${account} has no wallet`);
  return wallet;
}

/** What is left of each open grant in whole dollars, in burn order. */
export async function grantsLeft(ledger: TestLedger, account: string): Promise<readonly number[]> {
  return (await walletOf(ledger, account)).grants.map(({ remaining }) => Number(remaining / USD));
}

/** Numbers of dollars as usage of one meter, with ids of their own. */
export function spending(prefix: string, dollars: readonly number[], receivedAtMs = START_MS) {
  return dollars.map((amount, index) => ({
    id: `${prefix}-${index}`,
    dollars: String(amount),
    atMs: receivedAtMs,
    receivedAtMs,
  }));
}
