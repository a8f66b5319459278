import type { MoneyStore } from '../stripe/money-store.ts';
import type { Exporting } from './run-export.ts';

/**
 * Takes in what a meter reports that it could not count: events it names are `rejected` from now on, and what it does not name
 * is left to the comparison of sums. One case for each report, since nothing is sent again by itself.
 */
export async function takeErrorReport(
  { store, meters, now }: Pick<Exporting, 'store' | 'meters' | 'now'>,
  openCase: MoneyStore['openCase'],
  eventId: string,
): Promise<'done' | 'ignored'> {
  const report = await meters.errorReport(eventId);
  if (report === undefined) return 'ignored';
  const named: string[] = [];
  for (const { code, samples } of report.errors)
    for (const { identifier, message } of samples)
      if (await store.reject(identifier, code, message, now())) named.push(identifier);
  const count = report.errors.reduce((sum, error) => sum + error.count, 0);
  const codes = report.errors.map(({ code }) => code).join(', ');
  await openCase(
    {
      tenant: null,
      account: null,
      kind: 'usage_meter_rejected',
      subject: eventId,
      title: `Stripe could not count ${count} usage ${count === 1 ? 'event' : 'events'} of ${report.meter ?? 'a meter that is not there'}: ${codes}.`,
      detail: { report: eventId, meter: report.meter, count, codes, events: named.join(' ') },
    },
    now(),
  );
  return 'done';
}
