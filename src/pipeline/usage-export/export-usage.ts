import type { MoneyStore } from '../stripe/money-store.ts';
import { confirmTaken, type MeterCheck } from './check-meters.ts';
import { openMeterCases } from './meter-cases.ts';
import { type Exporting, type ExportRun, runExport } from './run-export.ts';

/**
 * Every minute in one of the processes that run: tells usage to the meters, looks whether they have counted it, and opens a
 * case where only a person can mend what they have not.
 */
export async function exportUsage(
  parts: Exporting,
  openCase: MoneyStore['openCase'],
): Promise<{ readonly run: ExportRun; readonly confirmed: MeterCheck }> {
  const run = await runExport(parts);
  const confirmed = await confirmTaken(parts);
  await openMeterCases(confirmed, openCase, parts.now());
  return { run, confirmed };
}
