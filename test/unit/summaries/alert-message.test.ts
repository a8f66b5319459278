import fc from 'fast-check';
import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { checkNumbers } from '../../../src/domain/numbers-lock/check-numbers.ts';
import { alertBrief } from '../../../src/domain/summaries/alert-brief.ts';
import { alertMessage } from '../../../src/domain/summaries/alert-message.ts';
import type { SummaryStyle } from '../../../src/domain/summaries/alert-story.ts';
import { briefTexts } from '../../../src/domain/summaries/brief.ts';
import { summaryEvidence } from '../../../src/domain/summaries/evidence.ts';
import {
  altered,
  ENGLISH_STYLE,
  farAbove,
  frozenFacts,
  GERMAN_STYLE,
  reviewFacts,
  slowedFacts,
  storyOf,
  tamperedFacts,
} from '../../support/alert-stories.ts';
import { HOSTILE_TEXTS } from '../../support/hostile-text.ts';

const FACTS = { frozen: frozenFacts, review: reviewFacts, slowed: slowedFacts, tampered: tamperedFacts };
const STYLES: Readonly<Record<string, SummaryStyle>> = {
  en: ENGLISH_STYLE,
  de: GERMAN_STYLE,
  mixed: { ...ENGLISH_STYLE, reader: { language: 'en', timeZone: 'America/New_York' }, baseUrl: null },
};
const each = Object.entries(FACTS).flatMap(([name, facts]) =>
  Object.entries(STYLES).map(([style, of]) => [name, style, facts, of] as const),
);

describe('every figure of a summary is a fact', () => {
  test.each(each)('%s, %s', (_, __, facts, style) => {
    const story = storyOf(facts);
    expect(checkNumbers(briefTexts(alertBrief(story, style)).join('\n\n'), summaryEvidence([story], style))).toEqual(
      [],
    );
  });

  test('whatever the facts are', () => {
    const usd = fc.integer({ min: 0, max: 10 ** 7 }).map((cents) => cents * 10 ** 7);
    const nanos = fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n });
    fc.assert(
      fc.property(
        fc.record({
          observed: usd,
          expected: usd,
          lower: usd,
          upper: usd,
          threshold: usd,
          points: fc.nat(400),
          times: fc.float({ min: 0, max: 1e6, noNaN: true }),
        }),
        fc.record({
          balanceNanos: nanos,
          moneyAtRiskNanos: nanos,
          lossNanos: nanos,
          heldBackNanos: nanos,
          score: fc.nat(100),
        }),
        fc.constantFrom(...Object.values(FACTS)),
        fc.constantFrom(...Object.values(STYLES)),
        fc.constantFrom(10 * 60_000, 3_600_000, 21_600_000, 86_400_000, 172_800_000),
        fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2030, 0, 1) }),
        (figures, sums, facts, style, windowMs, raisedAtMs) => {
          const results = [
            { ...farAbove, ...figures, windowMs },
            { ...altered, observed: figures.points },
          ];
          const story = storyOf({ ...facts, ...sums, results, raisedAtMs });
          expect(
            checkNumbers(briefTexts(alertBrief(story, style)).join('\n\n'), summaryEvidence([story], style)),
          ).toEqual([]);
        },
      ),
      { numRuns: 150, includeErrorInReport: true },
    );
  });
});

describe('the suggested reply', () => {
  test.each(each)('gives away no rule, threshold or suspicion: %s, %s', (_, __, facts, style) => {
    const { slackBlocks } = alertMessage(storyOf(facts), style);
    const quote = JSON.stringify(slackBlocks.find((block) => JSON.stringify(block).includes('rich_text_quote')));
    expect(quote).not.toMatch(/spend-|events-altered|31[.,]40|8[.,]00|fraud|abuse|betrug|missbrauch|suspect|verdacht/i);
    expect(quote.length).toBeGreaterThan(100);
  });

  test('is in the language and zone of the customer, the rest in those of support', () => {
    const { text } = alertMessage(storyOf(), { ...ENGLISH_STYLE, customer: GERMAN_STYLE.customer });
    expect(text).toContain('Spent $412.80 in 6 hours.');
    expect(text.replace(/\s+/g, ' ')).toContain('am 3. März, 15:02 Uhr UTC+1 angehalten');
    expect(text).toContain('„Warum geht meine API nicht mehr?“'.replace('„', '“').replace(/“$/, '”'));
  });
});

describe('text that customers control', () => {
  const hostile = [
    ...HOSTILE_TEXTS,
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    'a\r\nBcc: all@example.com',
    '=cmd()',
    '<!channel> *bold* `x`',
    '{{observed}}',
    '$& $1',
  ];
  test.each(hostile.map((name, index) => [index, name] as const))('%i changes no form', (_, name) => {
    const story = storyOf(
      { ...frozenFacts, account: name, results: [{ ...altered, feature: `quantity('${name}')` }] },
      { accountName: name },
    );
    const message = alertMessage(story, ENGLISH_STYLE);
    const plain = alertMessage(
      storyOf(
        { ...frozenFacts, account: 'x', results: [{ ...altered, feature: "quantity('x')" }] },
        { accountName: 'x' },
      ),
      ENGLISH_STYLE,
    );
    expect(message.subject).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(message.html.match(/<[a-z!/]/gi)?.length).toBe(plain.html.match(/<[a-z!/]/gi)?.length);
    expect(message.html).not.toMatch(/<(?:script|img src=x)|onerror=/i);
    expect(message.messageId).toMatch(/^[A-Za-z0-9._-]{1,200}$/);
    for (const block of message.slackBlocks)
      expect(JSON.stringify(block)).not.toMatch(/"mrkdwn","text":"[^"]*(?:<!|\*bold)/);
  });
});

test('Slack takes the blocks: at most 50, each text within its limit and none empty', () => {
  const results = Array.from({ length: 60 }, (_, index) => ({
    ...farAbove,
    ruleId: `rule-${index}-${'x'.repeat(200)}`,
  }));
  const { slackBlocks } = alertMessage(
    storyOf({ ...frozenFacts, results }, { accountName: 'n'.repeat(500) }),
    ENGLISH_STYLE,
  );
  expect(slackBlocks.length).toBeLessThanOrEqual(50);
  const limits: Readonly<Record<string, number>> = { header: 150, section: 3_000, context: 3_000, button: 75 };
  const look = (value: unknown, within: number): void => {
    if (typeof value !== 'object' || value === null) return;
    const own = 'type' in value && typeof value.type === 'string' ? (limits[value.type] ?? within) : within;
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'text' && typeof inner === 'string') {
        expect(inner.length).toBeLessThanOrEqual(own);
        expect(inner).not.toBe('');
      } else if (Array.isArray(inner)) for (const one of inner) look(one, own);
      else look(inner, own);
    }
  };
  for (const block of slackBlocks) look(block, 3_000);
});

test('the chart is a PNG of twice its size in the HTML, and nothing is fetched from elsewhere', () => {
  const { attachments, html } = alertMessage(storyOf(), ENGLISH_STYLE);
  const [chart] = attachments;
  expect(chart?.contentId).toBe('chart');
  const png = decode(chart?.content ?? new Uint8Array());
  expect([png.width, png.height]).toEqual([1120, 240]);
  // The last hour stands out, the first does not.
  const pixel = (x: number, y: number) => Array.from(png.data.slice((y * 1120 + x) * 4, (y * 1120 + x) * 4 + 4));
  expect(pixel(1110, 220)).toEqual([220, 38, 38, 255]);
  expect(pixel(4, 222)).toEqual([148, 163, 184, 255]);
  const sources = Array.from(html.matchAll(/(?:src|href|url)\s*=\s*"([^"]*)"/g), ([, source]) => source);
  expect(sources).toEqual(
    ['cid&#58;chart', 'https://tollkeeper.example.com/v1/alerts/alt_8k2m4q6r0t3v5x7z'].map((source) =>
      source.replace('&#58;', ':'),
    ),
  );
});

test('the same alert has the same id, and money in data is decimal text', () => {
  const message = alertMessage(storyOf(), ENGLISH_STYLE);
  expect(message.messageId).toBe('alert-alt_8k2m4q6r0t3v5x7z');
  expect(message.event).toMatchObject({
    type: 'alert.raised',
    data: {
      moneyAtRisk: '37.25',
      lost: '403.7',
      saved: '96',
      balance: '-37.25',
      frozenUntil: '2026-03-04T14:02:00.000Z',
    },
  });
  expect(() => JSON.stringify(message.event)).not.toThrow();
});

test('severe is what stopped a wallet or should have', () => {
  expect(alertMessage(storyOf(), ENGLISH_STYLE).severity).toBe('severe');
  expect(alertMessage(storyOf(reviewFacts), ENGLISH_STYLE).severity).toBe('normal');
});
