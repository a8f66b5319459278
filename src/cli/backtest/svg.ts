import { cleanLabel } from '../../domain/text/clean.ts';

/** Any text as the content of an element or a quoted attribute; what could act on a reader is taken out first. */
export function escapeText(text: string, columnsMax = 400): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return cleanLabel(text, columnsMax).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** Where a plot's axes lie, in pixels of its viewBox. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Room for labels on the left and below. */
export function frameOf(width: number, height: number): Frame {
  return { width, height, left: 64, right: 14, top: 12, bottom: 28 };
}

/** An axis from 0 to a round number at or above `max`, with about `count` marks. */
export function ticksFor(max: number, count = 4): readonly number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks: number[] = [];
  for (let index = 0; ticks.length === 0 || (ticks.at(-1) ?? 0) < max; index++) ticks.push(index * step);
  return ticks;
}

/** Places a value between two pixels. */
export function scale(value: number, max: number, from: number, to: number): number {
  return Math.round((from + (max === 0 ? 0 : value / max) * (to - from)) * 10) / 10;
}

/** Horizontal lines with their labels. */
export function yAxis(frame: Frame, ticks: readonly number[], label: (value: number) => string): string {
  const top = ticks.at(-1) ?? 1;
  const { left, right, width, height, bottom } = frame;
  return ticks
    .map((tick) => {
      const y = scale(tick, top, height - bottom, frame.top);
      const line = `<line class="grid" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}"/>`;
      return `${line}<text class="axis end" x="${left - 6}" y="${y + 4}">${escapeText(label(tick))}</text>`;
    })
    .join('');
}

/** Half the width of a date, in pixels of the viewBox. */
const LABEL_HALF = 24;

/** Labels below the axis at their pixels. */
export function xLabels(frame: Frame, labels: readonly { readonly x: number; readonly text: string }[]): string {
  return labels
    .map(({ x, text }) => {
      // A date in the middle of its mark would be cut off at the right edge.
      const isLast = x > frame.width - LABEL_HALF;
      const place = isLast ? `end" x="${frame.width - 2}"` : `mid" x="${x}"`;
      return `<text class="axis ${place} y="${frame.height - 8}">${escapeText(text)}</text>`;
    })
    .join('');
}

/** A bar with a tooltip; nothing for one without height. */
export function bar(box: { x: number; y: number; width: number; height: number }, css: string, title: string): string {
  if (!(box.height > 0)) return '';
  const { x, y, width, height } = box;
  const size = `width="${round(width)}" height="${round(height)}"`;
  return `<rect class="${css}" x="${round(x)}" y="${round(y)}" ${size}><title>${escapeText(title)}</title></rect>`;
}

/** A line through points; gaps where a value is missing. */
export function polyline(points: readonly { readonly x: number; readonly y: number | null }[], css: string): string {
  let path = '';
  let isDown = false;
  for (const { x, y } of points) {
    if (y !== null) path += `${isDown ? 'L' : 'M'}${round(x)} ${round(y)}`;
    isDown = y !== null;
  }
  return path === '' ? '' : `<path class="${css}" d="${path}"/>`;
}

/** A plot wider than this is scrolled on a narrow screen instead of shrunk. */
const WIDE_FROM = 600;

/** A plot with a name for readers who cannot see it. */
export function svg({ width, height }: Frame, name: string, body: string): string {
  const css = width > WIDE_FROM ? ' class="wide"' : '';
  return `<svg${css} viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(name)}">${body}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
