import { captureMaxOf } from '../../src/domain/ledger/hold.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { changeHold } from '../../src/pipeline/holds/change-hold.ts';
import type { HoldAnswer } from '../../src/pipeline/holds/hold-answer.ts';
import { type HoldAsk, holdRequest } from '../../src/pipeline/holds/hold-request.ts';
import { PLAIN_RULESET, START_MS, type TestLedger, USD } from './ledger.ts';

/** What a test asks of a hold, in dollars. */
export type TestAsk =
  | { readonly do: 'place'; readonly dollars: number; readonly captureMax?: number; readonly seconds?: number }
  | { readonly do: 'extend'; readonly dollars?: number; readonly seconds?: number }
  | { readonly do: 'capture'; readonly dollars: number }
  | { readonly do: 'release' | 'expire' };

export interface AskOptions {
  readonly key?: string;
  readonly nowMs?: number;
  /** Who carries it out: the account's lane (captures aside), or the direct path. */
  readonly by?: 'lane' | 'direct';
}

/** Asks something of a hold of an account. */
export function ask(
  ledger: TestLedger,
  account: string,
  holdId: string,
  asked: TestAsk,
  { key, nowMs = START_MS, by = 'lane' }: AskOptions = {},
): Promise<HoldAnswer> {
  const request = holdRequest({
    tenant: 'default',
    holdId,
    account,
    currency: 'USD',
    key,
    ask: inNanos(asked),
    actor: 'test',
    reason: null,
    nowMs,
  });
  const { overdraftNanos } = PLAIN_RULESET;
  if (by === 'direct') return changeHold(ledger.admin, request, { overdraftNanos });
  return ledger.writerOf(account).holds.submit(request);
}

/** Credits an account. */
export async function fund(
  ledger: TestLedger,
  account: string,
  dollars: number,
  key = `fund-${account}`,
): Promise<void> {
  await topUp(ledger.admin, {
    tenant: 'default',
    account,
    currency: 'USD',
    amount: nanos(dollars),
    source: 'paid',
    overdraftNanos: PLAIN_RULESET.overdraftNanos,
    key,
    actor: 'test',
    reason: null,
    nowMs: START_MS,
    dryRun: false,
  });
}

/** Whole and half dollars, exactly. */
export function nanos(dollars: number): bigint {
  return (BigInt(Math.round(dollars * 100)) * USD) / 100n;
}

function inNanos(asked: TestAsk): HoldAsk {
  switch (asked.do) {
    case 'place': {
      const amount = nanos(asked.dollars);
      const captureMax = asked.captureMax === undefined ? captureMaxOf(amount) : nanos(asked.captureMax);
      return { do: 'place', amount, captureMax, seconds: asked.seconds ?? 600 };
    }
    case 'extend':
      return {
        do: 'extend',
        amount: asked.dollars === undefined ? undefined : nanos(asked.dollars),
        seconds: asked.seconds,
      };
    case 'capture':
      return { do: 'capture', amount: nanos(asked.dollars) };
    default:
      return { do: asked.do };
  }
}
