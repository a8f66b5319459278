import { describe, expect, test } from 'vitest';
import { checkNumbers, type LockEvidence, problemWords } from '../../../src/domain/numbers-lock/check-numbers.ts';

const evidence: LockEvidence = {
  language: 'en',
  facts: [
    { text: '$412.80', near: ['spent', 'spend', 'usage', 'charge'] },
    { text: '6 hours' },
    { text: '$9.10', near: ['usual'] },
    { text: '45×' },
    { text: '$4.00' },
    { text: '$21.00' },
    { text: '$1,204.60' },
    { text: '25 %' },
    { text: '4 new keys' },
    { text: '3 Mar 2026 14:02 UTC' },
    { text: '2 days' },
    { text: 'Thursday' },
    { text: '-$3.00' },
    { text: 'Acme Robotics', kind: 'name' },
    { text: 'acct_7f3a', kind: 'name' },
    { text: 'https://example.com/alerts/alt_1' },
  ],
  prose: ['Freezing is not certain to be right nine times in ten.'],
};
const german: LockEvidence = {
  language: 'de',
  facts: [
    { text: '1.204,60 €' },
    { text: '3. März 2026' },
    { text: '14:02 Uhr UTC' },
    { text: '25 %' },
    { text: '48 Stunden' },
    { text: '12 Schlüssel' },
  ],
};

describe('equal forms of a fact pass', () => {
  test.each([
    'You spent $412.80 in 6 hours.',
    'You spent 412.80 in 6 hours.',
    'You spent USD 412.80 in six hours.',
    'Usage of 412.80 USD within 6h.',
    'Usage of 412.8 dollars.',
    'Usage of four hundred twelve… no: usage of $412.80.'.replace('four hundred twelve… no: ', ''),
    'About 45x, which is 45 times the usual.',
    'Between $4 and $21 it was.',
    'Somewhere from $4–21 in all.',
    'In all $1204.60, that is $1,204.60.',
    'At twenty-five percent, or 25%.',
    'On March 3, 2026 at 2:02 pm UTC.',
    'On 2026-03-03 at 14:02 UTC.',
    'On the 3rd of March at 14:02:00 UTC.',
    'For 2 days, which is 48 hours.',
    'Four keys were new.',
    'Hi Acme Robotics, see https://example.com/alerts/alt_1.',
    'The account acct_7f3a owes −$3.00.',
    'Usage of ＄４１２.８０ is above the usual.',
    'Usage of ٤١٢٫٨٠ USD.',
    'We retry on Thursday.',
    'It holds nine times in ten.',
  ])('%s', (text) => expect(checkNumbers(text, evidence)).toEqual([]));

  test.each([
    'Es sind 1.204,60 €, also 1204,60 Euro.',
    'Am 3.3.2026 um 14:02 Uhr UTC.',
    'Am 3. März gegen 14:02 UTC.',
    'Zwei Tage lang fünfundzwanzig Prozent.',
    'Zwölf Schlüssel in 2 Tagen.',
  ])('in German: %s', (text) => expect(checkNumbers(text, german)).toEqual([]));
});

describe('what is no fact is refused', () => {
  test.each([
    ['You spent $412.90.', 'unknown_figure'],
    ['You spent $412.', 'unknown_figure'],
    ['You spent €412.80.', 'unknown_figure'],
    ['You spent CA$412.80.', 'unknown_figure'],
    ['You spent -$412.80.', 'unknown_figure'],
    ['You spent $412.80k.', 'unknown_figure'],
    ['You spent $412.80 thousand.', 'unknown_figure'],
    ['You spent $1.204,60.', 'unknown_figure'],
    ['You spent $41 2.80.', 'unknown_figure'],
    ['In 6 minutes.', 'unknown_figure'],
    ['In seven hours.', 'unknown_figure'],
    ['In a day.', 'unknown_figure'],
    ['In 6 months.', 'unknown_figure'],
    ['It is 45 %.', 'unknown_figure'],
    ['It is 4.5×.', 'unknown_figure'],
    ['It is double that.', 'unknown_figure'],
    ['Half of it is gone.', 'unknown_figure'],
    ['A dozen keys.', 'unknown_figure'],
    ['Millions were spent.', 'unknown_figure'],
    ['On 3 Mar 2025.', 'unknown_figure'],
    ['On 03/03/2026.', 'unknown_figure'],
    ['On 4 March.', 'unknown_figure'],
    ['At 14:02 CET.', 'unknown_figure'],
    ['At 2:02 am UTC.', 'unknown_figure'],
    ['We retry on Friday.', 'unknown_figure'],
    ['We retry tomorrow.', 'unknown_figure'],
    ['The 5th attempt.', 'unknown_figure'],
    ['The fifth attempt.', 'unknown_figure'],
    ['See https://example.com/alerts/alt_2.', 'unknown_figure'],
    ['See https://example.com.evil.test/alerts/alt_1', 'unknown_figure'],
    ['Write to evil@example.org.', 'unknown_figure'],
    ['See evil.example.', 'unknown_figure'],
    ['The account acct_7f3b.', 'unknown_figure'],
    ['You pay in euros.', 'unknown_figure'],
    ['You spent $4l2.80.', 'unknown_figure'],
    ['Your usual is $412.80.', 'wrong_meaning'],
    ['You spent $9.10.', 'wrong_meaning'],
    ['Hi Mallory, all is well.', 'unknown_name'],
    ['We talked to Mallory about it.', 'unknown_name'],
    ['You spent $4\u200b12.80.', 'hidden_character'],
    ['You spent $4\u202e08.214.', 'hidden_character'],
    ['You spent 4\u033612.80.', 'hidden_character'],
    ['Sр\u0435nt is written in another script.', 'other_script'],
    ['Это сто рублей.', 'other_script'],
    ['You spent ④ keys.', 'odd_number'],
    ['Half is ½.', 'odd_number'],
    ['You spent ٤12.80 USD.', 'mixed_digits'],
    ['You spent &#52;00.', 'encoded'],
    ['You spent cinquante dollars.', 'foreign_number'],
    ['You have $4 412.80.', 'unknown_figure'],
    ['You spent $412.80 $21.00.', 'joined_figures'],
  ])('%s', (text, what) => expect(checkNumbers(text, evidence).map((problem) => problem.what)).toContain(what));

  test.each([
    'Es sind 1,204.60 €.',
    'Am 4.3.2026.',
    'Zwölfhundert Euro.',
    'In einer Woche.',
    'Die Hälfte ist verbraucht.',
    'Am Donnerstag.',
    'Dreizehn Schlüssel.',
    'Um 14:03 Uhr.',
    'Das Doppelte davon.',
  ])('in German: %s', (text) => expect(checkNumbers(text, german)).not.toEqual([]));
});

test('a name that reads as an amount vouches for nothing unless it is quoted', () => {
  const facts: LockEvidence = { language: 'en', facts: [{ text: '$0.00', kind: 'name' }, { text: '$5.00' }] };
  expect(checkNumbers('You owe $0.00.', facts)).toEqual([{ what: 'unknown_figure', found: '$0.00' }]);
  expect(checkNumbers('The account “$0.00” owes $5.00.', facts)).toEqual([]);
});

test('a fact that may not be denied is not believed in a sentence that denies', () => {
  const facts: LockEvidence = {
    language: 'en',
    facts: [
      { text: '$5.00', denied: 'never' },
      { text: '$50.00', denied: 'always' },
    ],
  };
  expect(checkNumbers('We charged $5.00.', facts)).toEqual([]);
  expect(checkNumbers("We didn't charge $5.00.", facts)).toEqual([{ what: 'wrong_meaning', found: '$5.00' }]);
  expect(checkNumbers('Your top-up of $50.00 did not go through.', facts)).toEqual([]);
  expect(checkNumbers('Your top-up of $50.00 went through.', facts)).toEqual([
    { what: 'wrong_meaning', found: '$50.00' },
  ]);
});

test('names and words may hold any characters', () => {
  const odd = ['acme-robotics', 'a.b*c', '(x)', '[y', 'z\\', '$&', '{{n}}', 'a/b'];
  const facts = odd.flatMap((text) => [
    { text, kind: 'name' as const },
    { text: '$5.00', near: [text, 'owes'] },
  ]);
  for (const name of odd)
    expect(checkNumbers(`The account ${name} owes $5.00.`, { language: 'en', facts })).toEqual([]);
});

test('a figure may be wrapped over two lines, and stands in its paragraph', () => {
  expect(checkNumbers('You spent $412.80 in 6\nhours.', evidence)).toEqual([]);
  expect(checkNumbers('You spent.\n\n$412.80 is it.', evidence)).toEqual([{ what: 'wrong_meaning', found: '$412.80' }]);
});

test('every problem has words', () => {
  expect(problemWords({ what: 'unknown_figure', found: '$5' })).toBe('"$5" is not among the facts');
});
