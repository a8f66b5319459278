import { z } from 'zod';
import { checkShape } from './check-shape.ts';
import { take } from './compile-context.ts';
import { isCurrency } from './currencies.ts';
import { suggest } from './did-you-mean.ts';
import type { Meter, MeterPrice, PriceBook } from './price-book.ts';
import { type Parsed, parseDate, parseMoney } from './units.ts';
import type { YamlPath, YamlSource } from './yaml-source.ts';

const priceText = z.string().min(1);

const pricesShape = z.array(z.strictObject({ from: z.string(), price: priceText })).min(1);

const meterName = z.string().min(1).max(128);

export const pricingShape = z.strictObject({
  currency: z.string(),
  meters: z
    .array(
      z.strictObject({
        name: meterName,
        unit: z.string().min(1).max(64),
        kind: z.enum(['usage', 'fact']).default('usage'),
        price: priceText.optional(),
        prices: pricesShape.optional(),
      }),
    )
    .min(1),
  overrides: z
    .array(
      z.strictObject({
        account: z.string().min(1).max(256),
        meter: meterName,
        price: priceText.optional(),
        prices: pricesShape.optional(),
      }),
    )
    .default([]),
});

type PricingDocument = z.infer<typeof pricingShape>;

const FREE: readonly MeterPrice[] = [{ fromMs: 0, coefficient: 0n, decimals: 0 }];

/** Reads `pricing.yaml`. Problems are reported on the source; undefined when there are any. */
export function readPricing(source: YamlSource): PriceBook | undefined {
  const document = checkShape(source, pricingShape);
  if (document === undefined) return undefined;
  if (!isCurrency(document.currency)) {
    const message = `${JSON.stringify(document.currency)} is not an ISO 4217 code.`;
    source.report(['currency'], 'RULE-NAME-010', message, 'three capital letters, such as USD');
    return undefined;
  }
  const meters = readMeters(source, document);
  const overrides = readOverrides(source, document, meters);
  if (source.errors.length > 0) return undefined;
  return { currency: document.currency, meters, overrides };
}

function readMeters(source: YamlSource, { meters, currency }: PricingDocument): ReadonlyMap<string, Meter> {
  const known = new Map<string, Meter>();
  for (const [index, meter] of meters.entries()) {
    const at = ['meters', index];
    if (known.has(meter.name)) {
      source.report([...at, 'name'], 'RULE-NAME-008', `${meter.name} is listed above as well.`, 'keep one');
    }
    if (meter.kind === 'fact' && (meter.price !== undefined || meter.prices !== undefined)) {
      source.report(
        at,
        'RULE-LOGIC-010',
        `${meter.name} is a fact; facts are free.`,
        'remove its price, or make it kind: usage',
      );
    }
    const prices = meter.kind === 'fact' ? FREE : readPrices(source, at, meter, currency);
    known.set(meter.name, { name: meter.name, unit: meter.unit, kind: meter.kind, prices });
  }
  return known;
}

function readOverrides(source: YamlSource, document: PricingDocument, meters: ReadonlyMap<string, Meter>) {
  const overrides = new Map<string, Map<string, readonly MeterPrice[]>>();
  for (const [index, override] of document.overrides.entries()) {
    const at = ['overrides', index];
    if (!meters.has(override.meter)) {
      const fix = suggest(override.meter, [...meters.keys()]);
      source.report([...at, 'meter'], 'RULE-NAME-002', `${override.meter} is not a meter of this file.`, fix);
    }
    const ofAccount = overrides.get(override.account) ?? new Map<string, readonly MeterPrice[]>();
    if (ofAccount.has(override.meter)) {
      const message = `${override.account} has a price for ${override.meter} above as well.`;
      source.report(at, 'RULE-NAME-011', message, 'keep one, with several dates under prices:');
    }
    ofAccount.set(override.meter, readPrices(source, at, override, document.currency));
    overrides.set(override.account, ofAccount);
  }
  return overrides;
}

interface Priced {
  readonly price?: string | undefined;
  readonly prices?: readonly { readonly from: string; readonly price: string }[] | undefined;
}

function readPrices(
  source: YamlSource,
  at: YamlPath,
  { price, prices }: Priced,
  currency: string,
): readonly MeterPrice[] {
  if ((price === undefined) === (prices === undefined)) {
    source.report(
      at,
      'RULE-SHAPE-002',
      'Usage has either one price or several with dates.',
      'price: 0.60 USD per 1000000, or prices:',
    );
    return [];
  }
  if (price !== undefined) {
    const parsed = take(source, [...at, 'price'], parsePrice(price, currency));
    return parsed === undefined ? [] : [{ fromMs: 0, ...parsed }];
  }
  const dated: MeterPrice[] = [];
  for (const [index, entry] of (prices ?? []).entries()) {
    const fromMs = take(source, [...at, 'prices', index, 'from'], parseDate(entry.from));
    const parsed = take(source, [...at, 'prices', index, 'price'], parsePrice(entry.price, currency));
    const previous = dated.at(-1);
    if (fromMs !== undefined && previous !== undefined && fromMs <= previous.fromMs) {
      const message = `${entry.from} is not after the price above it.`;
      source.report(
        [...at, 'prices', index, 'from'],
        'RULE-UNIT-013',
        message,
        'list prices from the oldest to the newest',
      );
    }
    if (fromMs !== undefined && parsed !== undefined) dated.push({ fromMs, ...parsed });
  }
  return dated;
}

/** Reads `0.60 USD per 1000000` (or `0.03 USD`) as exact nano-units per unit of the meter. */
export function parsePrice(text: string, currency: string): Parsed<{ coefficient: bigint; decimals: number }> {
  const [moneyText = '', perText, ...more] = text.split(' per ');
  const money = parseMoney(moneyText, currency);
  if (!money.ok) return money;
  const isPowerOfTen = perText === undefined || /^10{0,12}$/.test(perText);
  if (more.length > 0 || !isPowerOfTen) {
    const message = `${JSON.stringify(text)}: only a power of ten divides a price exactly.`;
    return { ok: false, code: 'RULE-UNIT-011', message, fix: `0.60 ${currency} per 1000000` };
  }
  let coefficient = money.value;
  let decimals = (perText?.length ?? 1) - 1;
  // The shortest form, so that equal prices are equal values.
  while (decimals > 0 && coefficient % 10n === 0n) {
    coefficient /= 10n;
    decimals -= 1;
  }
  return { ok: true, value: { coefficient, decimals } };
}
