import { realpathSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { SeriesChannelChoice } from '../../domain/series/score-series.ts';
import { AppError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import type { DetectedFile } from '../detect/detect-file.ts';
import { detectFile } from '../detect/detect-file.ts';
import { drawPage } from '../detect/draw-page.ts';
import { drawSvg } from '../detect/draw-plot.ts';
import { createPlotData, type PlotData } from '../detect/plot-data.ts';
import { fileSink, noSink, notWritable, outputSink, type RowSink } from '../detect/row-sink.ts';
import {
  guessNote,
  INCIDENT_HEADS,
  incidentCells,
  type SummaryContext,
  summaryJson,
  summaryText,
  warnings,
} from '../detect/summary.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { createProgress } from '../output/progress.ts';
import { count } from '../output/words.ts';

interface DetectOptions {
  readonly json?: boolean;
  readonly timestamp?: string;
  readonly value?: string;
  readonly channel: SeriesChannelChoice;
  readonly out?: string;
  readonly plot?: string;
  readonly raw?: boolean;
  readonly quiet?: boolean;
}

/** `detect FILE` */
export function registerDetect(program: Command, context: CliContext): void {
  const command = program
    .command('detect')
    .description('score a plain time series (CSV, also .gz): the same rows with an anomaly score and what was expected')
    .argument('<file>', 'a path, or - for stdin')
    .option('--timestamp <column>', 'the column of times: ISO 8601, or epoch seconds or milliseconds')
    .option('--value <column>', 'the column of numbers to score')
    .addOption(
      new Option('--channel <name>', 'slow: one row per incident, for people; fast: every row at once, for latency')
        .choices(['fast', 'slow', 'both'])
        .default('slow'),
    )
    .option('--out <file>', 'write the rows there (.gz packs them) instead of to stdout')
    .option('--plot <file>', 'draw the series: a name that ends in .svg or .html', plotFile)
    .option('--raw', 'leave cells that a spreadsheet would run (=…, @…) as they are')
    .option('--quiet', 'no progress')
    .addHelpText('after', NOTES);
  withJson(command, [
    'tollkeeper detect cpu.csv --out scored.csv --plot cpu.html',
    'tollkeeper detect latency.csv.gz --channel fast --timestamp ts --value p99_ms > scored.csv',
    'zcat requests.csv.gz | tollkeeper detect - --json',
  ]).action(async (file: string, options: DetectOptions) => {
    refuseSameFile(file, options);
    const plot = options.plot === undefined ? undefined : createPlotData();
    const detected = await run(file, options, sinkFor(context, options), plot);
    const summary: SummaryContext = { channel: options.channel, out: options.out, plot: options.plot };
    if (plot !== undefined && options.plot !== undefined) await writePlot(options.plot, plot, detected);
    report(context, options, detected, summary);
  });
}

const NOTES = `
Adds the columns anomaly_score (0 to 1; 0.5 is one row in a thousand), expected, lower and upper; with --channel both
also anomaly_score_fast and anomaly_score_slow. Every row is judged from the rows before it alone, in one pass and in
bounded memory. Cells that were there come back as they are, but for an apostrophe before what a spreadsheet would run
(--raw leaves it out). A row without a number or a time gets empty cells. Without
--out the rows go to stdout and the summary to stderr; --json prints the summary instead of the rows.
Exit codes: 0 done, whatever was found. 1 the file is damaged. 2 wrong usage, also a file or column that is not there.`;

function sinkFor(context: CliContext, { out, json }: DetectOptions): RowSink {
  if (out !== undefined) return fileSink(out);
  return json === true ? noSink() : outputSink(context.output);
}

async function run(
  file: string,
  options: DetectOptions,
  sink: RowSink,
  plot: PlotData | undefined,
): Promise<DetectedFile> {
  const silent = options.json === true || options.quiet === true;
  const progress = createProgress({ label: 'scoring', total: undefined, stream: process.stderr, silent, unit: 'rows' });
  try {
    const detected = await detectFile(
      {
        file,
        choice: { timestamp: options.timestamp, value: options.value },
        channel: options.channel,
        listen: (row, score) => plot?.add(row, score),
        isRaw: options.raw === true,
        onProgress: (rows) => progress.update(rows),
      },
      sink,
    );
    await sink.close();
    return detected;
  } catch (error) {
    await sink.discard();
    throw error;
  } finally {
    progress.abandon();
  }
}

function report(context: CliContext, options: DetectOptions, detected: DetectedFile, summary: SummaryContext): void {
  const guess = guessNote(detected);
  if (guess !== undefined) context.output.note(guess);
  for (const line of warnings(detected)) context.output.note(line);
  const answer = { json: summaryJson(detected, summary), text: summaryText(detected, summary) };
  // Without a file for them the rows have the standard output for themselves.
  if (options.json === true || options.out !== undefined) print(context, options.json, answer);
  else context.output.note(answer.text);
}

async function writePlot(path: string, plot: PlotData, detected: DetectedFile): Promise<void> {
  const { columns, name, scorer } = detected;
  const incidents = scorer.incidents.rarest();
  const title = `${columns.names[columns.value] ?? ''} · ${name}`;
  const total = scorer.incidents.total();
  const subtitle = `${count(scorer.tally.rows, 'row')}, ${count(total, 'incident')}; shaded: the usual range; below: the score, dashed at one row in a thousand`;
  const svg = drawSvg(plot, { title, subtitle, incidents });
  const rows = incidents.map((incident, index) => [`${index + 1}`, ...incidentCells(incident)]);
  const text = isPage(path) ? drawPage(svg, title, ['', ...INCIDENT_HEADS], rows) : svg;
  try {
    await writeFile(path, text);
  } catch (error) {
    throw notWritable(path, error);
  }
}

function isPage(path: string): boolean {
  return /\.html?$/i.test(path);
}

function plotFile(text: string): string {
  if (/\.(?:svg|html?)$/i.test(text)) return text;
  throw new InvalidArgumentError('Give a name that ends in .svg or .html.');
}

/** Writing over what is being read would lose it. */
function refuseSameFile(file: string, { out, plot }: DetectOptions): void {
  const places = [out, plot].filter((path) => path !== undefined).map(real);
  const isTwice = places.length === 2 && places[0] === places[1];
  if (!isTwice && (file === '-' || !places.includes(real(file)))) return;
  const what = isTwice ? '--out and --plot name the same file' : 'The file to write is the file to read';
  throw new AppError('CLI_USAGE', `${what}.`, { fix: 'Give another name.' });
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
