import { type Command, InvalidArgumentError, Option } from 'commander';
import { AppError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { batchJobs } from '../ingest/batch-jobs.ts';
import { type ClockChoice, chooseClock } from '../ingest/choose-clock.ts';
import { countLines } from '../ingest/count-lines.ts';
import { parseMapping } from '../ingest/field-map.ts';
import { readEvents } from '../ingest/read-events.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { createProgress, type Progress } from '../output/progress.ts';
import { count } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { IngestTally } from './ingest-tally.ts';

interface IngestOptions {
  readonly json?: boolean;
  readonly format?: 'ndjson' | 'csv';
  readonly map?: Readonly<Record<string, string>>;
  readonly clock: ClockChoice;
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
  readonly strict?: boolean;
}

/** Jobs on their way at once: enough to keep every lane busy, few enough to stop soon. */
const JOBS_IN_FLIGHT = 8;

/**
 * With the file's clock one job at a time. A lane's clock never goes back, so a job that overtook another would have the
 * other's events judged at its own, later time: windows of an hour would be over before they are looked at.
 */
const JOBS_IN_ORDER = 1;

/** `ingest FILE` */
export function registerIngest(program: Command, context: CliContext): void {
  const command = program
    .command('ingest')
    .description('send a file of usage events (NDJSON or CSV, also .gz) through the pipeline')
    .argument('<file>', 'a path, or - for stdin')
    .addOption(new Option('--format <name>', 'default: by the name or the content').choices(['ndjson', 'csv']))
    .option('--map <pairs>', 'field names in the file: id=event_id,account=customer', mapping)
    .addOption(
      new Option(
        '--clock <which>',
        "now: ours (wall), or the events' received_at (file); auto takes the file's if it has one",
      )
        .choices(['auto', 'wall', 'file'])
        .default('auto'),
    )
    .option('--dry-run', 'read the whole file and count, send nothing')
    .option('--quiet', 'no progress')
    .option('--strict', 'exit 1 when any event is rejected, or in a dry run any line unreadable')
    .addHelpText('after', EXIT_CODES);
  withJson(command, [
    'tollkeeper ingest usage.ndjson',
    'tollkeeper ingest export.csv.gz --map id=event_id,account=customer',
    'zcat old.ndjson.gz | tollkeeper ingest - --clock file --json',
  ]).action(async (file: string, options: IngestOptions) => {
    const tally = new IngestTally();
    const { format, map } = options;
    const read = readEvents(file, {
      ...(format === undefined ? {} : { format }),
      ...(map === undefined ? {} : { map }),
    });
    const { clock, lines } = await chooseClock(read, options.clock);
    const jobs = batchJobs(lines, clock === 'file' ? { clock } : {});
    if (options.dryRun === true) for await (const job of jobs) tally.addUnsent(job);
    else {
      const jobsMax = clock === 'file' ? JOBS_IN_ORDER : JOBS_IN_FLIGHT;
      await sendAll(context, { jobs, jobsMax }, tally, options, await progressFor(file, options));
    }
    print(context, options.json, tally.answer(options.dryRun === true));
    if (options.strict === true && tally.refused > 0) context.setExitCode(1);
  });
}

const EXIT_CODES = `
Exit codes: 0 when every line was handed over and has its status, also when events were rejected: they are kept, and
counted as "rejected". With --strict rejected events make it 1. 1 when the work failed or the file is damaged. 2 when
the file does not exist or may not be read.`;

/** A bar on stderr; without a known total, or without a terminal, a line now and then. */
async function progressFor(file: string, options: IngestOptions): Promise<Progress> {
  const silent = options.json === true || options.quiet === true;
  const total = silent ? undefined : await countLines(file, options.format);
  return createProgress({ label: 'ingesting', total, stream: process.stderr, silent });
}

async function sendAll(
  context: CliContext,
  { jobs, jobsMax }: { readonly jobs: ReturnType<typeof batchJobs>; readonly jobsMax: number },
  tally: IngestTally,
  { json }: IngestOptions,
  progress: Progress,
): Promise<void> {
  const stop = stopOf(context);
  const ruleset = await rulesInForce(context);
  const intake = await context.openIntake({ ruleset });
  tally.startRun(intake.run);
  const inFlight = new Set<Promise<void>>();
  let failure: unknown;
  try {
    for (;;) {
      // A pipe may have nothing to say for hours.
      const next = await Promise.race([jobs.next(), stop.requested]);
      if (next === undefined || next.done === true || failure !== undefined) break;
      const job = next.value;
      const sent = intake
        .submit(job.data)
        .then((statuses) => {
          tally.add(job, statuses);
          progress.update(tally.events);
        })
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => inFlight.delete(sent));
      inFlight.add(sent);
      if (inFlight.size >= jobsMax) await Promise.race(inFlight);
    }
  } catch (error) {
    failure ??= error;
  } finally {
    // What was read before the file broke off is on its way already, and is finished.
    await Promise.all(inFlight);
    // The total was counted before the file was read; how many events it really held is known by now.
    progress.finish(failure === undefined && stop.signal() === undefined ? tally.events : undefined);
    await intake.close();
  }
  const signal = stop.signal();
  if (failure === undefined && signal !== undefined) {
    const next = 'Ingesting the file again goes on from there: what is in the books already is a duplicate.';
    context.output.note(`Stopped by ${signal} after ${count(tally.events, 'event')}, all of them settled. ${next}`);
    context.setExitCode(signal === 'SIGTERM' ? 143 : 130);
  }
  if (failure === undefined) return;
  if (tally.events > 0 && json !== true) context.output.note(tally.answer(false).text);
  throw failure;
}

/** Whether somebody has asked to stop; what is on its way is finished then, and nothing more is read. */
function stopOf(context: CliContext) {
  let signal: string | undefined;
  const requested = context.stopRequested().then((name) => {
    signal = name;
    return undefined;
  });
  return { requested, signal: () => signal };
}

function mapping(text: string): Readonly<Record<string, string>> {
  try {
    return parseMapping(text);
  } catch (error) {
    if (error instanceof AppError) throw new InvalidArgumentError(`${error.message} ${error.fix}`);
    throw error;
  }
}
