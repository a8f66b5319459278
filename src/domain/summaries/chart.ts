import { encode } from 'fast-png';
import { sparkline } from '../text/sparkline.ts';

/** Spend per hour as a small picture: bars, the usual range behind them, the hours that stand out. */
export interface ChartData {
  /** Nano-units per hour, oldest first; at most 48. */
  readonly hours: readonly number[];
  /** The account's usual hour; null where nothing is known of it. */
  readonly usual: { readonly lower: number; readonly upper: number } | null;
  /** From this index on the hours stand out; `hours.length` when none does. */
  readonly fromIndex: number;
  readonly title: string;
  /** What the picture shows, for those who do not see it. */
  readonly alt: string;
  readonly startLabel: string;
  readonly endLabel: string;
  readonly peakLabel: string;
  readonly usualLabel: string;
}

const WIDTH = 560;
const HEIGHT = 120;
const TOP = 8;
const GROUND = HEIGHT - 8;
const GAP = 2;

interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly stands: boolean;
}

interface Layout {
  readonly bars: readonly Bar[];
  readonly band: { readonly y: number; readonly height: number } | null;
}

/** Bars and band in pixels of a picture 560 wide and 120 high. */
export function layoutChart({ hours, usual, fromIndex }: ChartData): Layout {
  const shown = hours.map((value) => (Number.isFinite(value) && value > 0 ? value : 0));
  const peak = Math.max(1, usual?.upper ?? 0, ...shown);
  const height = (value: number) => ((GROUND - TOP) * value) / peak;
  const step = WIDTH / Math.max(1, shown.length);
  const bars = shown.map((value, index) => {
    // An hour with any spend is seen, however small.
    const tall = value > 0 ? Math.max(2, Math.round(height(value))) : 1;
    const x = Math.round(index * step);
    const width = Math.max(1, Math.round((index + 1) * step) - x - GAP);
    return { x, y: GROUND - tall, width, height: tall, stands: index >= fromIndex };
  });
  if (usual === null || !(usual.upper > 0)) return { bars, band: null };
  const top = GROUND - Math.max(3, Math.round(height(usual.upper)));
  const bottom = Math.max(top + 3, GROUND - Math.round(height(Math.max(0, usual.lower))));
  return { bars, band: { y: top, height: bottom - top } };
}

const COLOURS = { usual: '#94a3b8', stands: '#dc2626', band: '#0ea5e9', ground: '#94a3b8' } as const;

/** The chart as an SVG document without text, scripts or outside references; colours hold on light and dark. */
export function chartSvg(chart: ChartData): string {
  const { bars, band } = layoutChart(chart);
  const rect = ({ x, y, width, height, stands }: Bar) =>
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="1" fill="${stands ? COLOURS.stands : COLOURS.usual}"/>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escapeXml(chart.alt)}">`,
    `<title>${escapeXml(chart.alt)}</title>`,
    ...(band === null
      ? []
      : [
          `<rect x="0" y="${band.y}" width="${WIDTH}" height="${band.height}" fill="${COLOURS.band}" fill-opacity="0.28"/>`,
        ]),
    ...bars.map(rect),
    `<rect x="0" y="${GROUND}" width="${WIDTH}" height="1" fill="${COLOURS.ground}" fill-opacity="0.6"/>`,
    '</svg>',
  ].join('');
}

const SCALE = 2;

/** The same as a PNG of twice the size on a clear ground, for mail and screens of high density. */
export function chartPng(chart: ChartData): Uint8Array {
  const [width, height] = [WIDTH * SCALE, HEIGHT * SCALE];
  const data = new Uint8Array(width * height * 4);
  const { bars, band } = layoutChart(chart);
  const fill = (area: { x: number; y: number; width: number; height: number }, colour: string, opacity: number) => {
    const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    for (let y = area.y * SCALE; y < (area.y + area.height) * SCALE; y++) {
      for (let x = area.x * SCALE; x < (area.x + area.width) * SCALE; x++) {
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        const at = (y * width + x) * 4;
        data.set([...channels, Math.round(opacity * 255)], at);
      }
    }
  };
  if (band !== null) fill({ x: 0, y: band.y, width: WIDTH, height: band.height }, COLOURS.band, 0.28);
  for (const bar of bars) fill(bar, bar.stands ? COLOURS.stands : COLOURS.usual, 1);
  fill({ x: 0, y: GROUND, width: WIDTH, height: 1 }, COLOURS.ground, 0.6);
  return encode({ width, height, data, channels: 4, depth: 8 });
}

/** The chart as one line of characters. */
export function chartLine({ hours }: ChartData): string {
  return sparkline(hours);
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}
