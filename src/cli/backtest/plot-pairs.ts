import { bar, frameOf, scale, svg, ticksFor, xLabels, yAxis } from './svg.ts';

/** The same figure of both sides of a comparison. */
export interface PairOfBars {
  readonly name: string;
  readonly a: number;
  readonly b: number;
}

const FRAME = frameOf(450, 180);
/** Of the room of a pair, what its two bars take. */
const BAR_SHARE = 0.28;

/** Two bars side by side for every figure; all share the axis. */
export function plotPairs(title: string, pairs: readonly PairOfBars[], label: (value: number) => string): string {
  const ticks = ticksFor(Math.max(...pairs.flatMap(({ a, b }) => [a, b]), 0)).filter((tick, _, all) =>
    label === String && (all.at(-1) ?? 0) > 1 ? Number.isInteger(tick) : true,
  );
  const top = ticks.at(-1) ?? 1;
  const floor = FRAME.height - FRAME.bottom;
  const room = (FRAME.width - FRAME.left - FRAME.right) / Math.max(1, pairs.length);
  const width = room * BAR_SHARE;
  const middles = pairs.map(({ name }, index) => ({ x: FRAME.left + room * (index + 0.5), text: name }));
  const bars = pairs.map(({ name, a, b }, index) => {
    const middle = middles[index]?.x ?? 0;
    const one = (value: number, x: number, css: string, side: string) => {
      const y = scale(value, top, floor, FRAME.top);
      return bar({ x, y, width, height: floor - y }, css, `${name}, ${side}: ${label(value)}`);
    };
    return one(a, middle - width - 1, 'before', 'A') + one(b, middle + 1, 'bar-b', 'B');
  });
  return svg(FRAME, title, yAxis(FRAME, ticks, label) + bars.join('') + xLabels(FRAME, middles));
}
