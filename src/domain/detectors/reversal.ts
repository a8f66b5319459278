import { z } from 'zod';
import { poissonRarity } from '../calibration/poisson.ts';
import { DAY_MS } from '../time.ts';
import { addLeaky, type LeakyCount, leaked } from './leaky-count.ts';
import { durationText } from './shared-params.ts';
import { defineStreamDetector, rarityParam, type StreamEvent, type StreamRun } from './stream-detector.ts';

const KEPT_MAX = 12;
const CREDIT_HALF_LIFE_MS = 30 * DAY_MS;
/** Taking back this share of what was paid is taking it all back. */
const WHOLE_SHARE = 0.7;
const SOON_MS = 7 * DAY_MS;
const CHARGEBACK_DECADES = 0.8;
const WHOLE_DECADES = 0.4;
const SOON_DECADES = 0.8;

const shape = z.strictObject({
  rarity: rarityParam,
  within: durationText.default('14d').describe('How far back refunds are counted.'),
  usual: z.number().min(0.001).max(10).default(0.03).describe('How many refunds an honest account has in that time.'),
  credit: z.string().min(1).default('topup').describe('The meter of what was paid in.'),
  refund: z.string().min(1).default('refund').describe('The meter of what was paid back.'),
});

/** When, how much, and whether the card's owner forced it (1). */
const entry = z.tuple([z.number(), z.number(), z.number()]);
const state = z.object({
  refunds: z.array(entry).max(KEPT_MAX),
  credit: z.number(),
  creditAtMs: z.number(),
  lastCredit: z.number(),
  lastCreditAtMs: z.number(),
});

/** Flags money that is paid in, used, and taken back: refunds out of proportion to top-ups. */
export const reversal = defineStreamDetector({
  kind: 'reversal',
  shape,
  state,
  compile(params, context) {
    const withinMs = context.duration(['within'], params.within);
    if (withinMs === undefined) return undefined;
    const settings = { withinMs, usual: params.usual, credit: params.credit, refund: params.refund };
    const fresh = { refunds: [], credit: 0, creditAtMs: 0, lastCredit: 0, lastCreditAtMs: 0 };
    return {
      prior: { at: 2.1, slope: 1 },
      windowMs: withinMs,
      meters: new Set([params.credit, params.refund]),
      open: (saved) => new ReversalRun(settings, saved ?? fresh),
    };
  },
});

interface Settings {
  readonly withinMs: number;
  readonly usual: number;
  readonly credit: string;
  readonly refund: string;
}

class ReversalRun implements StreamRun {
  readonly #settings: Settings;
  #refunds: [number, number, number][];
  readonly #credit: LeakyCount;
  #lastCredit: number;
  #lastCreditAtMs: number;

  constructor(settings: Settings, saved: z.infer<typeof state>) {
    this.#settings = settings;
    this.#refunds = saved.refunds.map(([atMs, amount, forced]) => [atMs, amount, forced]);
    this.#credit = { value: saved.credit, atMs: saved.creditAtMs };
    this.#lastCredit = saved.lastCredit;
    this.#lastCreditAtMs = saved.lastCreditAtMs;
  }

  score(event: StreamEvent): number {
    if (event.meter !== this.#settings.refund || event.disposition === 'duplicate') return 0;
    const now = event.ingestedAtMs;
    const { withinMs, usual } = this.#settings;
    this.#refunds = this.#refunds.filter(([atMs]) => now - atMs < withinMs).slice(1 - KEPT_MAX);
    this.#refunds.push([now, event.quantity, event.details.chargeback ? 1 : 0]);
    let amount = 0;
    let forced = 0;
    for (const [, refunded, isForced] of this.#refunds) {
      amount += refunded;
      forced += isForced;
    }
    const isWhole = amount > WHOLE_SHARE * leaked(this.#credit, now, CREDIT_HALF_LIFE_MS);
    const isSoon = now - this.#lastCreditAtMs < SOON_MS && event.quantity > WHOLE_SHARE * this.#lastCredit;
    return (
      poissonRarity(this.#refunds.length, usual) +
      (forced > 0 ? CHARGEBACK_DECADES : 0) +
      (isWhole ? WHOLE_DECADES : 0) +
      (isSoon ? SOON_DECADES : 0)
    );
  }

  learn(event: StreamEvent): void {
    if (event.meter !== this.#settings.credit || event.details.failed || event.disposition !== 'posted') return;
    addLeaky(this.#credit, event.quantity, event.ingestedAtMs, CREDIT_HALF_LIFE_MS);
    this.#lastCredit = event.quantity;
    this.#lastCreditAtMs = event.ingestedAtMs;
  }

  evidence() {
    const observed = this.#refunds.length;
    return { observed, expected: this.#settings.usual, parts: { refunds: observed, credited: this.#credit.value } };
  }

  missing(): string | undefined {
    return this.#lastCreditAtMs === 0 && this.#refunds.length === 0 ? 'nothing was paid in or back so far' : undefined;
  }

  restart(): void {
    this.#refunds = [];
  }

  relearn(): void {
    // What was paid in stays paid in.
  }

  save() {
    return {
      refunds: this.#refunds,
      credit: this.#credit.value,
      creditAtMs: this.#credit.atMs,
      lastCredit: this.#lastCredit,
      lastCreditAtMs: this.#lastCreditAtMs,
    };
  }
}
