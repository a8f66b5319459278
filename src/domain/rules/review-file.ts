import { z } from 'zod';
import type { ReviewPolicy } from '../review/policy.ts';
import { type Band, bandFor } from './band.ts';
import { take } from './compile-context.ts';
import { parseDuration, parseMoney, parsePercent } from './units.ts';
import type { YamlSource } from './yaml-source.ts';

const money = z.union([z.string(), z.number()]);

export const reviewShape = z.strictObject({
  model: z.string().min(1).max(200).describe('The name that the server knows the model by.'),
  band: z
    .strictObject({ from: z.int().min(0).max(100), to: z.int().min(0).max(100) })
    .describe('Alerts with so many points are reviewed. It ends below the freeze band.'),
  move: z
    .strictObject({ up: z.int().min(0).max(100), down: z.int().min(0).max(100) })
    .default({ up: 10, down: 10 })
    .describe('How many points a verdict may add or take, inside the band that the rules chose.'),
  twin_tolerance: z.string().default('30%').describe('How far the readings with text and without may lie apart.'),
  propose_closing_below: money.optional().describe('With at most so much at risk, closing as benign may be proposed.'),
  budget_per_day: money.describe('What reviews of a UTC day may cost.'),
  timeout: z.string().default('20s'),
  prices: z
    .array(
      z.strictObject({
        model: z.string().min(1).max(200),
        input: money,
        cached_input: money.optional(),
        output: money,
      }),
    )
    .min(1)
    .max(50)
    .describe('Per million tokens.'),
});

const TIMEOUT_MAX_MS = 120_000;

/** Reads `review`. Problems are reported on the source; null when there is none. */
export function readReview(
  source: YamlSource,
  review: z.infer<typeof reviewShape> | undefined,
  { currency, bands }: { readonly currency: string | undefined; readonly bands: readonly Band[] },
): ReviewPolicy | null {
  if (review === undefined) return null;
  const amount = (at: readonly (string | number)[], value: string | number) =>
    take(source, ['review', ...at], parseMoney(String(value), currency)) ?? 0n;
  checkBand(source, review.band, bands);
  const tolerance = take(source, ['review', 'twin_tolerance'], parsePercent(review.twin_tolerance)) ?? 0;
  if (tolerance > 1) {
    source.report(
      ['review', 'twin_tolerance'],
      'RULE-SHAPE-018',
      `twin_tolerance: ${review.twin_tolerance} is out of range.`,
      'at most 100%',
    );
  }
  const timeoutMs = take(source, ['review', 'timeout'], parseDuration(review.timeout)) ?? 0;
  if (timeoutMs > TIMEOUT_MAX_MS) {
    source.report(
      ['review', 'timeout'],
      'RULE-SHAPE-018',
      `timeout: ${review.timeout} is out of range.`,
      'at most 120s',
    );
  }
  const prices = review.prices.map((price, index) => ({
    model: price.model,
    inputNanos: amount(['prices', index, 'input'], price.input),
    cachedInputNanos:
      price.cached_input === undefined
        ? amount(['prices', index, 'input'], price.input)
        : amount(['prices', index, 'cached_input'], price.cached_input),
    outputNanos: amount(['prices', index, 'output'], price.output),
  }));
  const twice = prices.findIndex(({ model }, index) => prices.findIndex((other) => other.model === model) < index);
  if (twice >= 0) {
    source.report(
      ['review', 'prices', twice],
      'RULE-REVIEW-003',
      `${prices[twice]?.model} has two prices.`,
      'remove one',
    );
  }
  const price = prices.find(({ model }) => model === review.model);
  if (price === undefined) {
    const message = `${review.model} has no price, so no budget could hold.`;
    source.report(
      ['review', 'model'],
      'RULE-REVIEW-002',
      message,
      `add { model: ${review.model}, input: …, output: … } to prices`,
    );
    return null;
  }
  return {
    price,
    fromScore: review.band.from,
    toScore: review.band.to,
    upMax: review.move.up,
    downMax: review.move.down,
    twinTolerance: tolerance,
    proposeClosingNanos:
      review.propose_closing_below === undefined
        ? null
        : amount(['propose_closing_below'], review.propose_closing_below),
    budgetPerDayNanos: amount(['budget_per_day'], review.budget_per_day),
    timeoutMs,
  };
}

function checkBand(
  source: YamlSource,
  band: { readonly from: number; readonly to: number },
  bands: readonly Band[],
): void {
  if (band.from > band.to) {
    source.report(
      ['review', 'band'],
      'RULE-LOGIC-009',
      `The band ends at ${band.to}, before it begins.`,
      `{ from: ${band.to}, to: ${band.from} }`,
    );
    return;
  }
  const freeze = bands.find(({ outcome }) => outcome === 'freeze');
  if (freeze === undefined || band.to < freeze.from || bands.at(-1)?.to !== 100) return;
  if (bandFor(bands, band.to).outcome !== 'freeze') return;
  const message = `Points from ${freeze.from} on are frozen, and no model has a say in that.`;
  source.report(['review', 'band', 'to'], 'RULE-REVIEW-001', message, `at most ${freeze.from - 1}`);
}
