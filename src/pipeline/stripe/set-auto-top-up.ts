import { addressOf } from '../../domain/ids.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { HOUR_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { AutoTopUp, MoneyStore } from './money-store.ts';
import { chargeable } from './start-checkout.ts';

export interface AutoTopUpRequest {
  readonly tenant: string;
  readonly account: string;
  readonly currency: string;
  readonly thresholdNanos: bigint;
  readonly amountNanos: bigint;
  /** Ten amounts unless given. */
  readonly dailyCapNanos?: bigint;
  /** Three unless given. */
  readonly burstMax?: number;
  /** An hour unless given. */
  readonly burstWindowMs?: number;
  readonly isOn: boolean;
  readonly by: string;
}

/** More of them in a day than anybody needs, and an end to what a runaway can charge. */
const AMOUNTS_A_DAY = 10n;
const BURST_MAX = 3;

/** Sets when and how much a wallet is topped up by itself; what had stopped it stays stopped until it is resumed. */
export async function setAutoTopUp(
  { auto }: Pick<MoneyStore, 'auto'>,
  request: AutoTopUpRequest,
  nowMs: number,
): Promise<AutoTopUp> {
  const { tenant, account, currency, thresholdNanos, amountNanos, isOn, by } = request;
  chargeable(request);
  const dailyCapNanos = request.dailyCapNanos ?? amountNanos * AMOUNTS_A_DAY;
  if (dailyCapNanos < amountNanos) {
    throw new AppError('AMOUNT_INVALID', 'The daily cap is below one amount: nothing would ever be charged.', {
      fix: `Give a cap of at least ${formatMoney(amountNanos, currency)}.`,
    });
  }
  return auto.set(
    {
      walletId: addressOf(tenant, account, currency).walletId,
      tenant,
      account,
      currency,
      isOn,
      thresholdNanos,
      amountNanos,
      dailyCapNanos,
      burstMax: request.burstMax ?? BURST_MAX,
      burstWindowMs: request.burstWindowMs ?? HOUR_MS,
      updatedBy: by,
    },
    nowMs,
  );
}
