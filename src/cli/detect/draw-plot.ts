import type { SeriesIncident } from '../../domain/series/incident-list.ts';
import { cleanLabel, cleanText } from '../../domain/text/clean.ts';
import { formatUtc } from '../../domain/text/utc.ts';
import type { PlotColumn, PlotData } from './plot-data.ts';

/** What a plot says about itself. */
export interface PlotWords {
  readonly title: string;
  readonly subtitle: string;
  readonly incidents: readonly SeriesIncident[];
}

const WIDTH = 1200;
const HEIGHT = 520;
const LEFT = 76;
const RIGHT = 16;
const VALUE_TOP = 64;
const VALUE_BOTTOM = 372;
const SCORE_TOP = 396;
const SCORE_BOTTOM = 476;
/** Incidents that carry their number on the plot; more would hide each other. */
const NUMBERED_MAX = 20;
const TICKS = 5;
/** A title longer than the plot is wide would be cut off. */
const TITLE_COLUMNS = 96;
/** The band may stretch the scale by at most this share of the values' own range: one wild expectation must not flatten the line. */
const BAND_STRETCH = 0.25;

/** Colours for light and dark screens; text keeps at least 4.5 : 1 against its ground. */
const STYLE = `
svg{font:12px system-ui,sans-serif;--ground:#fff;--text:#1f2328;--dim:#59636e;--line:#0b62c4;--band:#0b62c4;--expected:#7a5b00;--mark:#c2261f;--grid:#d8dee4}
@media (prefers-color-scheme:dark){svg{--ground:#0d1117;--text:#e6edf3;--dim:#9198a1;--line:#6cb0ff;--band:#6cb0ff;--expected:#e3b341;--mark:#ff8078;--grid:#30363d}}
.ground{fill:var(--ground)}.title{font-size:16px;font-weight:600}text{fill:var(--text)}.dim{fill:var(--dim)}
.grid{stroke:var(--grid);stroke-width:1}.band{fill:var(--band);opacity:.16}.value{stroke:var(--line);fill:none;stroke-width:1.2;stroke-linejoin:round}
.dot{stroke-width:5}
.expected{stroke:var(--expected);fill:none;stroke-width:1;stroke-dasharray:4 3}.score{stroke:var(--mark);stroke-width:1}
.half{stroke:var(--dim);stroke-width:1;stroke-dasharray:2 3}.mark{stroke:var(--mark);fill:var(--ground);stroke-width:2}.drop{stroke:var(--mark);stroke-width:1;opacity:.45}.number{fill:var(--mark);font-weight:600}`;

/** Text as it may stand in SVG and HTML: nothing that acts, nothing that XML forbids. */
export function escapeMarkup(text: string): string {
  return cleanText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/**
 * The series as one self-contained picture: the values with the expected band, the incidents, the scores below. Every
 * column of pixels shows the smallest and the largest value in it.
 */
export function drawSvg(data: PlotData, words: PlotWords): string {
  const columns = data.columns();
  const scale = scaleOf(columns);
  const x = (index: number) => LEFT + ((index + 0.5) / Math.max(1, columns.length)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => {
    const share = (Math.max(scale.min, Math.min(scale.max, value)) - scale.min) / (scale.max - scale.min);
    return VALUE_BOTTOM - share * (VALUE_BOTTOM - VALUE_TOP);
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title summary">`,
    `<title id="title">${escapeMarkup(words.title)}</title><desc id="summary">${escapeMarkup(words.subtitle)}</desc>`,
    `<style>${STYLE}</style><rect class="ground" width="100%" height="100%"/>`,
    `<text class="title" x="${LEFT}" y="26">${escapeMarkup(cleanLabel(words.title, TITLE_COLUMNS))}</text>`,
    `<text class="dim" x="${LEFT}" y="46">${escapeMarkup(words.subtitle)}</text>`,
    valueAxis(scale, y),
    timeAxis(columns, x),
    band(columns, x, y),
    expectedLine(columns, x, y),
    valueLine(columns, x, y),
    scores(columns, x),
    marks(data, words.incidents, x, y),
    '</svg>\n',
  ].join('\n');
}

interface Scale {
  readonly min: number;
  readonly max: number;
}

function scaleOf(columns: readonly PlotColumn[]): Scale {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const column of columns) {
    min = Math.min(min, column.min);
    max = Math.max(max, column.max);
  }
  if (!(min <= max)) return { min: 0, max: 1 };
  const stretch = (max - min) * BAND_STRETCH;
  let [low, high] = [min, max];
  for (const { expectedRows, lower, upper } of columns) {
    if (expectedRows === 0) continue;
    low = Math.max(min - stretch, Math.min(low, lower / expectedRows));
    high = Math.min(max + stretch, Math.max(high, upper / expectedRows));
  }
  // A constant has no range of its own.
  const pad = high > low ? (high - low) * 0.04 : Math.max(Math.abs(high) * 0.1, 1);
  return { min: low - pad, max: high + pad };
}

type Place = (value: number) => number;

function valueAxis({ min, max }: Scale, y: Place): string {
  return ticksOf(min, max)
    .map((value) => {
      const at = fixed(y(value));
      const label = `<text class="dim" x="${LEFT - 8}" y="${at}" dy=".35em" text-anchor="end">${shortLabel(value)}</text>`;
      return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>${label}`;
    })
    .join('');
}

/** Round numbers between two values: steps of 1, 2 or 5 times a power of ten. */
function ticksOf(min: number, max: number): number[] {
  const rough = (max - min) / TICKS;
  let power = 1;
  while (power * 10 <= rough) power *= 10;
  while (power > rough && power > 1e-300) power /= 10;
  const step = power * (rough / power >= 5 ? 5 : rough / power >= 2 ? 2 : 1);
  const ticks: number[] = [];
  for (let at = Math.ceil(min / step); at * step <= max && ticks.length < 20; at++) ticks.push(at * step);
  return ticks;
}

function shortLabel(value: number): string {
  const size = Math.abs(value);
  const suffix = size >= 1e9 ? 'G' : size >= 1e6 ? 'M' : size >= 1e4 ? 'k' : '';
  const divisor = { G: 1e9, M: 1e6, k: 1e3, '': 1 }[suffix] ?? 1;
  return size >= 1e13 ? value.toExponential(1) : `${Number((value / divisor).toPrecision(4))}${suffix}`;
}

function timeAxis(columns: readonly PlotColumn[], x: Place): string {
  const parts: string[] = [];
  for (let tick = 0; tick <= TICKS; tick++) {
    const index = Math.min(columns.length - 1, Math.round((tick / TICKS) * (columns.length - 1)));
    const ms = columns[index]?.firstMs;
    if (ms === undefined || (tick > 0 && columns.length <= TICKS)) continue;
    const anchor = tick === 0 ? 'start' : tick === TICKS ? 'end' : 'middle';
    parts.push(
      `<text class="dim" x="${fixed(x(index))}" y="${SCORE_BOTTOM + 22}" text-anchor="${anchor}">${formatUtc(ms)}</text>`,
    );
  }
  return parts.join('');
}

/** Stretches of columns that hold what is to be drawn: a gap in the data stays a gap in the line. */
function stretches(columns: readonly PlotColumn[], holds: (column: PlotColumn) => boolean): number[][] {
  const found: number[][] = [];
  let current: number[] | undefined;
  for (const [index, column] of columns.entries()) {
    if (!holds(column)) {
      current = undefined;
      continue;
    }
    if (current === undefined) {
      current = [];
      found.push(current);
    }
    current.push(index);
  }
  return found;
}

function band(columns: readonly PlotColumn[], x: Place, y: Place): string {
  const pointsOf = (indexes: readonly number[], which: 'lower' | 'upper') =>
    indexes.map((index) => {
      const column = columns[index];
      return `${fixed(x(index))} ${fixed(y((column?.[which] ?? 0) / (column?.expectedRows ?? 1)))}`;
    });
  return stretches(columns, ({ expectedRows }) => expectedRows > 0)
    .map(
      (indexes) =>
        `<path class="band" d="M${[...pointsOf(indexes, 'upper'), ...pointsOf(indexes, 'lower').reverse()].join('L')}Z"/>`,
    )
    .join('');
}

function expectedLine(columns: readonly PlotColumn[], x: Place, y: Place): string {
  return stretches(columns, ({ expectedRows }) => expectedRows > 0)
    .map((indexes) => {
      const points = indexes.map((index) => {
        const column = columns[index];
        return `${fixed(x(index))} ${fixed(y((column?.expected ?? 0) / (column?.expectedRows ?? 1)))}`;
      });
      return `<path class="expected" d="M${points.join('L')}"/>`;
    })
    .join('');
}

function valueLine(columns: readonly PlotColumn[], x: Place, y: Place): string {
  return stretches(columns, ({ rows }) => rows > 0)
    .map((indexes) => {
      const points = indexes.flatMap((index) => {
        const { min = 0, max = 0, rows = 1 } = columns[index] ?? {};
        const at = fixed(x(index));
        return rows === 1 ? [`${at} ${fixed(y(max))}`] : [`${at} ${fixed(y(min))}`, `${at} ${fixed(y(max))}`];
      });
      // A point alone has no line; a line of no length with round ends shows as a dot.
      const isDot = points.length === 1;
      const d = isDot ? `${points[0]}h.01` : points.join('L');
      return `<path class="value${isDot ? ' dot' : ''}" stroke-linecap="round" d="M${d}"/>`;
    })
    .join('');
}

function scores(columns: readonly PlotColumn[], x: Place): string {
  const y = (score: number) => SCORE_BOTTOM - score * (SCORE_BOTTOM - SCORE_TOP);
  const bars = columns.flatMap(({ score }, index) =>
    score < 0.02 ? [] : [`M${fixed(x(index))} ${SCORE_BOTTOM}V${fixed(y(score))}`],
  );
  const label = (score: number, text: string) =>
    `<text class="dim" x="${LEFT - 8}" y="${fixed(y(score))}" dy=".35em" text-anchor="end">${text}</text>`;
  return [
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${SCORE_BOTTOM}" y2="${SCORE_BOTTOM}"/>`,
    `<line class="half" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y(0.5))}" y2="${fixed(y(0.5))}"/>`,
    label(0, '0'),
    label(0.5, '0.5'),
    label(1, 'score 1'),
    bars.length === 0 ? '' : `<path class="score" d="${bars.join('')}"/>`,
  ].join('');
}

function marks(data: PlotData, incidents: readonly SeriesIncident[], x: Place, y: Place): string {
  return incidents
    .slice(0, NUMBERED_MAX)
    .map(({ row, observed, atMs }, index) => {
      const [at, top] = [fixed(x(data.columnOf(row))), fixed(y(observed))];
      const when = atMs === undefined ? `row ${row + 1}` : formatUtc(atMs, { year: true });
      return [
        `<g><title>${index + 1}: ${when}, ${shortLabel(observed)}</title>`,
        `<line class="drop" x1="${at}" x2="${at}" y1="${top}" y2="${SCORE_BOTTOM}"/>`,
        `<circle class="mark" cx="${at}" cy="${top}" r="4"/>`,
        `<text class="number" x="${at}" y="${top}" dy="-8" text-anchor="middle">${index + 1}</text></g>`,
      ].join('');
    })
    .join('\n');
}

function fixed(value: number): string {
  return `${Number(value.toFixed(1))}`;
}
