import { formatMoney } from '../../domain/money/nanos.ts';
import { formatUtc } from '../../domain/text/utc.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { DemoChart } from './demo-report.ts';
import type { Paint } from './paint.ts';
import { nanosOf, timeOf } from './report-values.ts';

const ROWS = 12;
const LEVELS = '▁▂▃▄▅▆▇█';
const AXIS_COLUMNS = 10;

/** Room for the whole legend beside the axis. */
const LEGEND_COLUMNS = 74;

interface ChartOptions {
  readonly currency: string;
  readonly columns: number;
  readonly paint: Paint;
}

interface Column {
  readonly charged: number;
  readonly total: number;
  readonly usual: number;
  readonly isAttack: boolean;
}

/**
 * Spend per hour as bars: charged is solid, refused by the freeze is shaded, the account's usual is a dotted line.
 * One column an hour, the newest that fit.
 */
export function drawChart(chart: DemoChart, options: ChartOptions): string[] {
  const hoursMax = Math.max(12, options.columns - AXIS_COLUMNS - 2);
  const skipped = Math.max(0, chart.charged.length - hoursMax);
  const fromMs = timeOf(chart.from) + skipped * HOUR_MS;
  const columns = columnsOf(chart, skipped, fromMs);
  const top = Math.max(...columns.map(({ total, usual }) => Math.max(total, usual)), 1);
  const lines: string[] = [];
  for (let row = ROWS - 1; row >= 0; row -= 1) {
    const cells = columns.map((column) => cell(column, row, top, options.paint)).join('');
    lines.push(`${axisLabel(row, top, options.currency)} ${options.paint.dim('│')}${cells}`);
  }
  lines.push(`${' '.repeat(AXIS_COLUMNS)} ${options.paint.dim(`└${'─'.repeat(columns.length)}`)}`);
  lines.push(...marks(chart, fromMs, columns.length, options));
  return lines;
}

function columnsOf(chart: DemoChart, skipped: number, fromMs: number): Column[] {
  const attackMs = timeOf(chart.attackAt);
  return chart.charged.slice(skipped).map((charged, index) => {
    const solid = Number(nanosOf(charged));
    return {
      charged: solid,
      total: solid + Number(nanosOf(chart.refused[skipped + index] ?? '0')),
      usual: Number(nanosOf(chart.usual[skipped + index] ?? '0')),
      isAttack: fromMs + (index + 1) * HOUR_MS > attackMs,
    };
  });
}

function cell({ charged, total, usual, isAttack }: Column, row: number, top: number, paint: Paint): string {
  const eighths = (value: number) => Math.round((value / top) * ROWS * LEVELS.length) - row * LEVELS.length;
  const solid = eighths(charged);
  if (solid >= 1) {
    const bar = LEVELS.charAt(Math.min(solid, LEVELS.length) - 1);
    return isAttack ? paint.red(bar) : paint.cyan(bar);
  }
  // Shade has no eighths: a started row counts once it is half full, or nothing thin would ever show.
  if (eighths(total) >= LEVELS.length / 2) return paint.dim('░');
  const level = eighths(usual);
  const isUsualRow = usual > 0 && (level >= 1 || row === 0) && level <= LEVELS.length;
  return isUsualRow ? paint.yellow('┄') : ' ';
}

function axisLabel(row: number, top: number, currency: string): string {
  const isLabelled = row === ROWS - 1 || row === Math.floor(ROWS / 2) - 1;
  const value = row === ROWS - 1 ? top : top / 2;
  const label =
    row === 0 ? formatMoney(0n, currency) : isLabelled ? formatMoney(BigInt(Math.round(value)), currency) : '';
  return label.padStart(AXIS_COLUMNS);
}

/** What the columns mean, under the axis: `▲` where the attack began and where the freeze came. */
function marks(chart: DemoChart, fromMs: number, width: number, options: ChartOptions): string[] {
  const { paint } = options;
  const indent = ' '.repeat(AXIS_COLUMNS + 2);
  const columnOf = (ms: number) => Math.floor((ms - fromMs) / HOUR_MS);
  const attack = { at: columnOf(timeOf(chart.attackAt)), text: `attack begins ${formatUtc(timeOf(chart.attackAt))}` };
  const lines = [mark(attack, width, paint.red)];
  if (chart.frozenAt !== null) {
    const freezeMs = timeOf(chart.frozenAt);
    lines.push(mark({ at: columnOf(freezeMs), text: `frozen ${formatUtc(freezeMs)}` }, width, paint.bold));
  }
  const legend = [
    `${paint.cyan('█')} before`,
    `${paint.red('█')} since the attack`,
    ...(chart.frozenAt === null ? [] : [`${paint.dim('░')} refused`]),
    `${paint.yellow('┄')} baseline${about(chart, options.currency)}`,
  ];
  return [
    ...lines.filter((line) => line !== '').map((line) => indent + line),
    (options.columns < LEGEND_COLUMNS ? '' : indent) + legend.join('  '),
  ];
}

/** The middle of the baseline, since a bar often hides the line. */
function about({ usual }: DemoChart, currency: string): string {
  const ascending = usual.map(nanosOf).sort((a, b) => (a < b ? -1 : 1));
  const middle = ascending[Math.floor(ascending.length / 2)];
  return middle === undefined ? '' : ` ${formatMoney(middle, currency)}`;
}

/** A mark below its column, its text on whichever side has room. */
function mark({ at, text }: { at: number; text: string }, width: number, paint: (text: string) => string): string {
  if (at < 0 || at >= width) return '';
  if (at + 2 + text.length <= width) return `${' '.repeat(at)}${paint(`▲ ${text}`)}`;
  const start = at - text.length - 1;
  return start >= 0 ? `${' '.repeat(start)}${paint(`${text} ▲`)}` : `${' '.repeat(at)}${paint('▲')} ${text}`;
}
