import { expect, test } from 'vitest';
import { createRandom, type Random } from '../../../src/cli/demo/random.ts';
import { type DraftContent, draftOf, draftProblems } from '../../../src/domain/dunning/draft.ts';
import { DUNNING_STEPS, type DunningEpisode } from '../../../src/domain/dunning/episode.ts';
import { checkRewrite, type SlottedText } from '../../../src/domain/numbers-lock/slots.ts';

const USD = 1_000_000_000n;
const TEXTS = 3_000;

const episode: DunningEpisode = {
  ...{ episodeId: 'dun_1', tenant: 'default', account: 'acme', walletId: 1n, currency: 'USD', topupId: 'top_1' },
  ...{ amountNanos: 5_040n * (USD / 100n), declineClass: 'retry', tell: 'as_is', declineCode: 'insufficient_funds' },
  ...{ state: 'open', openedAtMs: Date.UTC(2026, 2, 3, 9), closedAtMs: null, retries: 2 },
  ...{ nextTryAtMs: Date.UTC(2026, 2, 5, 9), reason: '', probability: 0.6, percent: 25 },
};

function draft(random: Random): DraftContent {
  return draftOf(episode, random.pick(DUNNING_STEPS), {
    personName: 'Ana',
    reader: { language: random.pick(['en', 'de'] as const), timeZone: 'Europe/Berlin' },
    balanceNanos: 1_712n * (USD / 100n),
    runwayDays: 2.4,
    payUrl: 'https://app.example.com/billing',
  });
}

/** Replaces one match of a pattern; undefined when there is none. */
function replaced(text: string, pattern: RegExp, random: Random, by: (match: string) => string): string | undefined {
  const matches = [...text.matchAll(new RegExp(pattern, 'g'))];
  if (matches.length === 0) return undefined;
  const match = random.pick(matches);
  const [found] = match;
  return `${text.slice(0, match.index)}${by(found)}${text.slice(match.index + found.length)}`;
}

const otherDigit = (random: Random) => (text: string) => {
  const at = [...text].flatMap((character, index) => (/\d/.test(character) ? [index] : []));
  const index = random.pick(at);
  const digit = String((Number(text[index]) + 1 + random.below(9)) % 10);
  return `${text.slice(0, index)}${digit}${text.slice(index + 1)}`;
};

/** Ways to say something wrong. Each leaves a text whose figures, names or links are not the facts any more. */
const LIES: Readonly<Record<string, (text: string, random: Random) => string | undefined>> = {
  'another digit in an amount': (text, random) => replaced(text, /\d+[.,]\d\d/, random, otherDigit(random)),
  'the decimal point moved': (text, random) =>
    replaced(text, /(\d\d)([.,])(\d)(\d)/, random, (found) => found.replace(/(\d)(\d)([.,])/, '$1$3$2')),
  'amounts exchanged': (text) =>
    /50[.,]40/.test(text) && /17[.,]12/.test(text)
      ? text
          .replace(/50([.,])40/g, '@$1@')
          .replace(/17([.,])12/g, '50$140')
          .replace(/@([.,])@/g, '17$112')
      : undefined,
  'ten times as much': (text, random) => replaced(text, /\d+(?=[.,]\d\d)/, random, (found) => `${found}0`),
  'another currency': (text, random) => replaced(text, /\$/, random, () => random.pick(['€', '£', '¥'])),
  'another day': (text, random) => replaced(text, /\b[35](?=\.? (?:Mar|März))/, random, otherDigit(random)),
  'another month': (text, random) =>
    replaced(text, /Mar\b|März/, random, () => random.pick(['April', 'May', 'Juni', 'December'])),
  'another hour': (text, random) =>
    replaced(text, /10:00/, random, () => `${random.pick(['08', '09', '11', '12', '22'])}:00`),
  'another share': (text, random) =>
    replaced(text, /25(?=\s?%)/, random, () => random.pick(['50', '5', '75', '26', '2.5'])),
  'another span': (text, random) =>
    replaced(text, /2(?=\s(?:days|Tage))/, random, () => random.pick(['3', '12', '20'])),
  'another unit': (text, random) =>
    replaced(text, /(?<=2\s)(?:days|Tage)/, random, () => random.pick(['weeks', 'Wochen', 'hours', 'Stunden'])),
  'another name': (text, random) => replaced(text, /\bAna\b/, random, () => random.pick(['Bob', 'Kim', 'Dr. Evil'])),
  'a price nobody named': (text, random) =>
    `${text}\n${random.pick(['Pay $99.00 today.', 'It costs 12 EUR.', 'Only USD 5 more.'])}`,
  'a price in words': (text, random) =>
    `${text}\n${random.pick(['Pay thirty dollars today.', 'Bitte zahlen Sie dreißig Euro.', 'Two hundred dollars are due.'])}`,
  'a discount': (text, random) =>
    `${text}\n${random.pick(['Get 10 % off.', 'Ten percent off!', 'Zehn Prozent Rabatt.'])}`,
  'a deadline': (text, random) =>
    `${text}\n${random.pick(['Pay by Friday.', 'Within 24 hours, please.', 'Bis morgen bitte.', 'Until 2026-04-01.'])}`,
  'a link elsewhere': (text, random) =>
    `${text}\n${random.pick(['https://evil.example.com', 'http://app.example.com.evil.test/x', 'www.pay-here.test'])}`,
  'digits of another script': (text, random) =>
    replaced(text, /\d+[.,]\d\d/, random, () => random.pick(['٩٩٫٠٠', '９９．００', '৯৯.০০'])),
  'a hidden character': (text, random) =>
    replaced(text, /\d+[.,]\d\d/, random, (found) => `${found[0]}\u200b9${found.slice(1)}`),
  'a minus sign': (text, random) => replaced(text, /\$(?=\d)/, random, () => '-$'),
};

test('of thousands of texts that say something wrong, not one passes', () => {
  const accepted: string[] = [];
  const tried = new Map<string, number>();
  let texts = 0;
  for (let seed = 0; texts < TEXTS; seed++) {
    const random = createRandom(4_711, seed);
    const honest = draft(random);
    const lie = random.pick(Object.keys(LIES));
    const body = honest.paragraphs.join('\n\n');
    const wrong = LIES[lie]?.(body, random);
    if (wrong === undefined || wrong === body) continue;
    texts += 1;
    tried.set(lie, (tried.get(lie) ?? 0) + 1);
    if (draftProblems({ ...honest, paragraphs: wrong.split('\n\n') }).length === 0) accepted.push(`${lie}: ${wrong}`);
  }
  expect(accepted).toEqual([]);
  expect([...tried.keys()].sort()).toEqual(Object.keys(LIES).sort());
  for (const count of tried.values()) expect(count).toBeGreaterThan(20);
});

test('honest words pass: the same facts in other forms and another order', () => {
  const SAYS: Readonly<Record<'en' | 'de', readonly string[]>> = {
    en: [
      'Hi Ana, your top-up of $50.40 has failed.',
      'Hi Ana, the payment of 50.40 USD did not go through on 3 March.',
      'Your balance is $17.12 and lasts about two days.',
      'We will try again on 5 March 2026 at 10:00 UTC+1.',
      'Your usage is at twenty-five percent of its usual rate for now.',
      'Please pay USD 50.40 here: https://app.example.com/billing',
      'There are $17.12 left.',
      'Thanks for your patience.',
    ],
    de: [
      'Hallo Ana, Ihre Aufladung über 50,40 $ hat nicht geklappt.',
      'Die Zahlung von 50,40 USD am 3. März wurde abgelehnt.',
      'Ihr Guthaben beträgt 17,12 $ und reicht etwa zwei Tage.',
      'Der nächste Versuch ist am 5. März 2026 um 10:00 UTC+1.',
      'Ihre Nutzung läuft mit 25 Prozent der gewohnten Geschwindigkeit.',
      'Vielen Dank für Ihre Geduld.',
    ],
  };
  const refused: string[] = [];
  let texts = 0;
  for (const language of ['en', 'de'] as const) {
    const honest = draftOf(episode, 'action_needed', {
      personName: 'Ana',
      reader: { language, timeZone: 'Europe/Berlin' },
      balanceNanos: 1_712n * (USD / 100n),
      runwayDays: 2.4,
      payUrl: 'https://app.example.com/billing',
    });
    for (const says of SAYS[language]) {
      texts += 1;
      const problems = draftProblems({ ...honest, paragraphs: [says] });
      if (problems.length > 0) refused.push(`${says} ${JSON.stringify(problems)}`);
    }
  }
  expect(refused).toEqual([]);
  expect(texts).toBe(14);
});

test('a rewrite with slots can neither exchange nor add a figure, nor turn a sentence around', () => {
  const slotted: SlottedText = {
    language: 'en',
    template: 'Your top-up of {{amount}} was not paid. Your balance is {{balance}}. We will try again on {{day}}.',
    values: { amount: '$50.40', balance: '$17.12', day: '5 March' },
  };
  const { template } = slotted;
  const TRICKS: readonly ((random: Random) => string)[] = [
    () => template.replace('{{amount}}', '{{balance}}'),
    () => template.replace('{{amount}}', '@').replace('{{balance}}', '{{amount}}').replace('@', '{{balance}}'),
    () => template.replace('was not', 'was'),
    () => template.replace('{{day}}', '{{day}} and {{day}}'),
    (random) =>
      `${template} ${random.pick(['Pay $5 more.', 'We refunded you.', 'Get ten percent off.', 'Call +1 555 0100.'])}`,
    (random) => template.replace('{{balance}}', random.pick(['$99.00', '{{ balance }}', '{{secret}}', '{balance}'])),
    () => template.replace('We will try', 'We will not try'),
    () => template.replace('top-up', 'refund'),
  ];
  const accepted: string[] = [];
  for (let seed = 0; seed < 1_000; seed++) {
    const random = createRandom(99, seed);
    const rewrite = random.pick(TRICKS)(random);
    const result = checkRewrite(slotted, rewrite);
    if (result.status === 'rewritten') accepted.push(rewrite);
  }
  expect(accepted).toEqual([]);
  expect(checkRewrite(slotted, `Hi! ${template} Thanks for your patience.`).status).toBe('rewritten');
});
