import { formatIso } from '../../domain/time.ts';
import { valueText } from '../../domain/usage-export/export-amount.ts';
import type { MoneyStore } from '../stripe/money-store.ts';
import type { MeterCheck, MeterDifference } from './check-meters.ts';

/** Causes that end by themselves, or are told elsewhere already. */
const QUIET: ReadonlySet<MeterDifference['cause']> = new Set(['not_sent', 'sent_unacknowledged', 'rounding']);

/** A case for each hour whose meter and ledger differ in a way that only a person can mend; once for each hour and cause. */
export async function openMeterCases(
  { differences }: Pick<MeterCheck, 'differences'>,
  openCase: MoneyStore['openCase'],
  nowMs: number,
): Promise<void> {
  for (const { tenant, account, meter, hourMs, cause, counted, ledger, decimals, eventName, customer } of differences) {
    if (QUIET.has(cause)) continue;
    const text = (steps: bigint) => valueText(steps, { unitsPerValue: 1n, decimals }) ?? steps.toString();
    const hour = formatIso(hourMs);
    const [has, should] = [text(counted), text(ledger)];
    await openCase(
      {
        tenant,
        account,
        kind: `usage_meter_${cause}`,
        subject: `${customer ?? account} ${meter} ${hour}`,
        title: `The meter ${eventName} has counted ${has} for the hour of ${hour}, and the ledger holds ${should}.`,
        detail: { meter, eventName, customer, hour, counted: has, ledger: should, cause },
      },
      nowMs,
    );
  }
}
