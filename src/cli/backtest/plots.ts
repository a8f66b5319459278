import { formatUtc, formatUtcDay } from '../../domain/text/utc.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { BacktestReport, CaughtAccount, DayView, LabelView } from '../../pipeline/backtest/report.ts';
import { money, timeOf } from '../demo/report-values.ts';
import { bar, type Frame, frameOf, polyline, scale, svg, ticksFor, xLabels, yAxis } from './svg.ts';

const WIDE = frameOf(960, 240);
const SMALL = frameOf(470, 170);

/** Alerts a day by outcome, with the budget as a line. */
export function plotAlerts({ perDay, alerts }: BacktestReport): string {
  const totals = perDay.map(({ watch, review, freeze }) => watch + review + freeze);
  const most = Math.max(...totals, 1);
  // A budget far above everything would press the bars flat; then it is only named.
  const isBudgetShown = alerts.budgetPerDay <= most * 3;
  const ticks = ticksFor(Math.max(most, isBudgetShown ? alerts.budgetPerDay : 0)).filter(Number.isInteger);
  const top = ticks.at(-1) ?? 1;
  const bars = perDay.map((day, index) => {
    const { x, width } = slot(WIDE, perDay.length, index);
    let below = 0;
    return (['watch', 'review', 'freeze'] as const)
      .map((outcome) => {
        const y = scale(below + day[outcome], top, WIDE.height - WIDE.bottom, WIDE.top);
        const height = scale(below, top, WIDE.height - WIDE.bottom, WIDE.top) - y;
        below += day[outcome];
        return bar({ x, y, width, height }, outcome, `${day.day}: ${day[outcome]} ${outcome}`);
      })
      .join('');
  });
  const budgetY = scale(alerts.budgetPerDay, top, WIDE.height - WIDE.bottom, WIDE.top);
  const budget = isBudgetShown
    ? polyline(
        [WIDE.left, WIDE.width - WIDE.right].map((x) => ({ x, y: budgetY })),
        'limit',
      )
    : '';
  const body = yAxis(WIDE, ticks, String) + bars.join('') + budget + dayLabels(WIDE, perDay);
  return svg(WIDE, 'Alerts per day', body);
}

/** What freezes would have saved and cost, summed over time. */
export function plotMoney({ perDay, currency }: BacktestReport): string {
  const saved = running(perDay.map((day) => Number(day.saved)));
  const friction = running(perDay.map((day) => Number(day.friction)));
  const ticks = ticksFor(Math.max(saved.at(-1) ?? 0, friction.at(-1) ?? 0, 0.01));
  const top = ticks.at(-1) ?? 1;
  const line = (values: readonly number[], css: string) =>
    polyline(
      values.map((value, index) => {
        const { x, width } = slot(WIDE, perDay.length, index);
        return { x: x + width / 2, y: scale(value, top, WIDE.height - WIDE.bottom, WIDE.top) };
      }),
      css,
    );
  const axis = yAxis(WIDE, ticks, (value) => amountLabel(value, currency));
  const body = axis + line(saved, 'line good') + line(friction, 'line bad') + dayLabels(WIDE, perDay);
  return svg(WIDE, 'Money saved and friction over time', body);
}

/** Precision and recall against the budget of false incidents. */
export function plotCurve({ curve }: LabelView): string {
  const top = Math.max(...curve.map(({ budget }) => budget), 1);
  // Small budgets are the interesting ones.
  const xOf = (budget: number) => scale(Math.sqrt(budget), Math.sqrt(top), SMALL.left, SMALL.width - SMALL.right);
  const yOf = (share: number) => scale(share, 1, SMALL.height - SMALL.bottom, SMALL.top);
  const points = (share: (point: LabelView['curve'][number]) => number | null) =>
    curve.map((point) => {
      const value = share(point);
      return { x: xOf(point.budget), y: value === null ? null : yOf(value) };
    });
  const axis = yAxis(SMALL, [0, 0.25, 0.5, 0.75, 1], (value) => `${Math.round(value * 100)} %`);
  const labels = curve.filter(({ budget }) => [0.5, 1, 2, 5, 10, 20].includes(budget));
  const body =
    axis +
    polyline(
      points(({ recall }) => recall),
      'line good',
    ) +
    polyline(
      points(({ precision }) => precision),
      'line neutral',
    ) +
    xLabels(
      SMALL,
      labels.map(({ budget }) => ({ x: xOf(budget), text: String(budget) })),
    );
  return svg(SMALL, 'Precision and recall by budget', body);
}

/** Spend per hour of a caught account: before the alert, since, and what was usual. */
export function plotCaught(caught: CaughtAccount, currency: string): string {
  const amounts = caught.spend.map(Number);
  const [usual, usualHigh] = [Number(caught.usual ?? 0), Number(caught.usualHigh ?? 0)];
  const ticks = ticksFor(Math.max(...amounts, usualHigh, 0.01), 3);
  const top = ticks.at(-1) ?? 1;
  const floor = SMALL.height - SMALL.bottom;
  const fromMs = timeOf(caught.from);
  const alertIndex = Math.floor((timeOf(caught.at) - fromMs) / HOUR_MS);
  const bars = amounts.map((amount, index) => {
    const { x, width } = slot(SMALL, amounts.length, index);
    const y = scale(amount, top, floor, SMALL.top);
    const title = `${formatUtc(fromMs + index * HOUR_MS)}: ${money(caught.spend[index] ?? '0', currency)}`;
    return bar({ x, y, width, height: floor - y }, index < alertIndex ? 'before' : 'since', title);
  });
  const level = (value: number, css: string) => {
    const y = scale(value, top, floor, SMALL.top);
    return polyline(
      [SMALL.left, SMALL.width - SMALL.right].map((x) => ({ x, y })),
      css,
    );
  };
  const at = slot(SMALL, amounts.length, alertIndex).x;
  const mark = `<line class="mark" x1="${at}" x2="${at}" y1="${SMALL.top}" y2="${floor}"/>`;
  const baseline = caught.usual === null ? '' : level(usual, 'usual') + level(usualHigh, 'usual high');
  const days = [0, 24, 48, 72, 96].filter((hour) => hour < amounts.length);
  const labels = days.map((hour) => {
    return { x: slot(SMALL, amounts.length, hour).x + 14, text: formatUtcDay(fromMs + hour * HOUR_MS) };
  });
  const axis = yAxis(SMALL, ticks, (value) => amountLabel(value, currency));
  return svg(
    SMALL,
    `Spend per hour of ${caught.account}`,
    axis + bars.join('') + baseline + mark + xLabels(SMALL, labels),
  );
}

function slot(frame: Frame, count: number, index: number): { readonly x: number; readonly width: number } {
  const step = (frame.width - frame.left - frame.right) / Math.max(1, count);
  return { x: Math.round((frame.left + index * step) * 10) / 10, width: step > 4 ? step - 1 : step };
}

const LABELS_MAX = 10;

function dayLabels(frame: Frame, days: readonly DayView[]): string {
  const every = Math.max(1, Math.ceil(days.length / LABELS_MAX));
  const labels = days.flatMap(({ day }, index) => {
    if (index % every !== 0) return [];
    const { x, width } = slot(frame, days.length, index);
    return [{ x: x + width / 2, text: formatUtcDay(timeOf(`${day}T00:00:00Z`)) }];
  });
  return xLabels(frame, labels);
}

function running(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}

function amountLabel(value: number, currency: string): string {
  return money(value.toFixed(value < 1 ? 4 : 2), currency).replace(/\.00$/, '');
}
