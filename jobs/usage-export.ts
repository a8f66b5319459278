import { confirmTaken, type MeterCheck } from '../src/pipeline/usage-export/check-meters.ts';
import { type Exporting, type ExportRun, runExport } from '../src/pipeline/usage-export/run-export.ts';

/** Every minute in one of the processes that run: tells usage to the meters, and looks whether they have counted it. */
export async function exportUsage(
  parts: Exporting,
): Promise<{ readonly run: ExportRun; readonly confirmed: MeterCheck }> {
  const run = await runExport(parts);
  return { run, confirmed: await confirmTaken(parts) };
}
