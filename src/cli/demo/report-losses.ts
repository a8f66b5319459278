import { divideHalfEven, formatMoney } from '../../domain/money/nanos.ts';
import { cleanLabel, displayWidth } from '../../domain/text/clean.ts';
import { formatUtc } from '../../domain/text/utc.ts';
import { wrapText } from '../../domain/text/wrap.ts';
import type { DemoAttackResult, DemoReport } from './demo-report.ts';
import type { Page } from './paint.ts';
import { count, list, money, nanosOf, span, timeOf } from './report-values.ts';
import { FAMILY_WORDS } from './report-words.ts';

/** One cent in nano-units. */
const CENT_NANOS = 10_000_000n;

/** The table needs this many; a narrower terminal gets sentences. */
const TABLE_COLUMNS_MIN = 80;

/** Which wallets were frozen and after how many dollars, and what they would have lost otherwise. */
export function renderFreezes(report: DemoReport, { columns, paint }: Page): string[] {
  const { currency, freezes } = report;
  if (freezes.length === 0) return ['None.'];
  const frozen = report.attacks.filter(({ frozenAt, family }) => frozenAt !== null && family !== 'tampered_meter');
  const lines = frozen.length === 0 ? [] : wrapText(totalOf(frozen, currency), columns - 2);
  if (frozen.length > 0) lines.push('', ...freezeTable(frozen, currency, { columns, paint }));
  lines.push(...wrapText(roundingNote(frozen, currency), columns - 2).map(paint.dim));
  const attacked = new Set(frozen.map(({ account }) => account));
  const others = freezes.filter(({ account }) => !attacked.has(account));
  for (const { account, at, until, refused } of others) {
    const text =
      `${cleanLabel(account, 40)} was frozen ${formatUtc(timeOf(at))} until ${formatUtc(timeOf(until))}, ` +
      `with ${money(refused, currency)} of usage kept aside. ${verdictOn(account, report)}`;
    lines.push('', ...wrapText(text.trimEnd(), columns - 2));
  }
  return lines[0] === '' ? lines.slice(1) : lines;
}

/** Whether a freeze that no stolen usage explains was right; of a file nobody can say. */
function verdictOn(account: string, { knowsTruth, attacks }: DemoReport): string {
  if (!knowsTruth) return '';
  return attacks.some((attack) => attack.account === account)
    ? 'Its meter was tampered with, which hides usage instead of adding some.'
    : 'This account was not attacked: the freeze was wrong, and `wallet thaw --usage post` charges what was kept.';
}

function totalOf(frozen: readonly DemoAttackResult[], currency: string): string {
  const after = list(frozen.map(({ charged }) => money(charged, currency)));
  const without = sumOf(frozen.flatMap(({ charged, heldBack }) => [nanosOf(charged), nanosOf(heldBack)]));
  const [wallets, they] = frozen.length === 1 ? ['wallet', 'it'] : ['wallets', 'they'];
  return (
    `${count(frozen.length)} ${wallets} frozen after ${after} of stolen usage; ` +
    `without Tollkeeper ${they} would have lost ${formatMoney(without, currency)}.`
  );
}

function freezeTable(frozen: readonly DemoAttackResult[], currency: string, { columns, paint }: Page): string[] {
  const rows = frozen.map(({ account, family, frozenAt, charged, heldBack }) => ({
    account: cleanLabel(account, 20),
    why: FAMILY_WORDS[family],
    at: frozenAt === null ? '' : formatUtc(timeOf(frozenAt)),
    lost: money(charged, currency),
    kept: money(heldBack, currency),
  }));
  if (columns < TABLE_COLUMNS_MIN) {
    return rows.flatMap(({ account, why, at, lost, kept }) =>
      wrapText(`${account}: ${why}, frozen ${at}, ${lost} lost, ${kept} kept from loss`, columns - 2),
    );
  }
  const line = (account: string, why: string, at: string, lost: string, kept: string) =>
    account.padEnd(21 + account.length - displayWidth(account)) +
    why.padEnd(15) +
    at.padEnd(17) +
    lost.padStart(10) +
    kept.padStart(15);
  const header = line('account', 'why', 'frozen', 'lost', 'kept from loss');
  return [paint.dim(header), ...rows.map((row) => line(row.account, row.why, row.at, row.lost, row.kept))];
}

/** The sum is exact and rounded once. Where that differs from what the rounded rows add up to, a reader is told why. */
function roundingNote(frozen: readonly DemoAttackResult[], currency: string): string {
  const amounts = frozen.flatMap(({ charged, heldBack }) => [nanosOf(charged), nanosOf(heldBack)]);
  const cents = (nanos: bigint) => divideHalfEven(nanos, CENT_NANOS);
  const apart = cents(sumOf(amounts)) - sumOf(amounts.map(cents));
  if (apart === 0n) return '';
  const [more, by] = apart > 0n ? ['more', apart] : ['less', -apart];
  const difference = formatMoney(by * CENT_NANOS, currency);
  return `Rows are rounded one by one; the exact sum is ${difference} ${more} than they add up to.`;
}

function sumOf(values: readonly bigint[]): bigint {
  return values.reduce((sum, value) => sum + value, 0n);
}

/** Attacks that ended, or went on, without a freeze: what the shipped rules do not catch belongs in the report. */
export function renderNotFrozen(report: DemoReport, { columns }: Page): string[] {
  return report.attacks
    .filter(({ frozenAt }) => frozenAt === null)
    .flatMap((attack) =>
      wrapText(missedText(attack, report.currency), columns - 4).map(
        (line, index) => (index === 0 ? '· ' : '  ') + line,
      ),
    );
}

function missedText(attack: DemoAttackResult, currency: string): string {
  const { account, family, startedAt, endedAt, alertedAt, reviewedAt, charged } = attack;
  const lasted = span(timeOf(endedAt) - timeOf(startedAt));
  const what = `${cleanLabel(account, 40)}: ${FAMILY_WORDS[family]} from ${formatUtc(timeOf(startedAt))} for ${lasted}`;
  const lost = family === 'tampered_meter' ? '' : `, ${money(charged, currency)} lost`;
  if (alertedAt === null) return `${what}${lost}. No rule noticed.`;
  const after = (at: string) => span(timeOf(at) - timeOf(startedAt));
  // An alert to watch is listed and asks nothing of anybody.
  if (reviewedAt === null)
    return `${what}${lost}. Listed to watch after ${after(alertedAt)}; no alert asked for a person.`;
  return `${what}${lost}. Not frozen, but an alert asked for a person after ${after(reviewedAt)}.`;
}
