import { DAY_MS, formatIso, HOUR_MS } from '../../domain/time.ts';
import type { FraudLedger } from './fraud-ledger.ts';
import type { LabelSet } from './labels.ts';
import type { Replay } from './replay.ts';
import type { BacktestWarning } from './report.ts';
import type { HistoryTally } from './run-backtest.ts';

/** Baselines need about this long before they can say what is usual. */
const SHORT_DAYS = 7;

/** A hole of a whole day is an outage of the recording, not a calm night. */
const GAP_MS_MIN = DAY_MS;

/** A few wrong places in a label file are typing mistakes; more, and it belongs to other events. */
const MISMATCH_SHARE_MAX = 0.02;

/** What a reader must know before believing the figures. */
export function warningsOf(
  tally: HistoryTally,
  replay: Replay,
  labelled: { readonly labels: LabelSet; readonly ledger: FraudLedger } | undefined,
): BacktestWarning[] {
  const history = historyWarnings(tally, replay);
  return labelled === undefined
    ? history
    : [...history, ...labelWarnings(tally, replay, labelled.labels, labelled.ledger)];
}

function historyWarnings(tally: HistoryTally, replay: Replay): BacktestWarning[] {
  const warnings: BacktestWarning[] = [];
  const [example] = tally.unreadableExamples;
  if (example !== undefined) {
    const { line, code, reason } = example;
    const message = `${tally.unreadable} lines are no events and were left out; the first is line ${line}: ${code}, ${reason}.`;
    warnings.push({ code: 'HISTORY_UNREADABLE_LINES', message });
  }
  if (tally.backward > 0) {
    const message =
      `${tally.backward} events arrived before the one in front of them, by up to ${hours(tally.backwardMsMax)}. ` +
      'A backtest takes its time from the order of the history: sort it by arrival.';
    warnings.push({ code: 'HISTORY_NOT_IN_ARRIVAL_ORDER', message });
  }
  if (tally.gapMsMax >= GAP_MS_MIN) {
    const message = `Nothing arrived for ${hours(tally.gapMsMax)} until ${formatIso(tally.gapEndsMs)}: quiet hours count as history.`;
    warnings.push({ code: 'HISTORY_GAP', message });
  }
  if (tally.toMs - tally.fromMs < SHORT_DAYS * DAY_MS) {
    const message = `The history spans ${hours(tally.toMs - tally.fromMs)}: most rules need days before they can judge.`;
    warnings.push({ code: 'HISTORY_SHORT', message });
  }
  const unknown = [...replay.unknownMeters];
  if (unknown.length > 0) {
    const message = `No price for ${unknown.slice(0, 5).join(', ')}: such usage counts as an event and not as spend.`;
    warnings.push({ code: 'HISTORY_UNKNOWN_METERS', message });
  }
  if (tally.altered > 0) {
    const message = `${tally.altered} events have the id of an earlier one and other content: a sender at fault, or somebody who tampers. They are left out of spend, and rules on altered copies see them.`;
    warnings.push({ code: 'HISTORY_ALTERED_COPIES', message });
  }
  return [...warnings, ...balanceWarnings(replay)];
}

function balanceWarnings({ ruleset, accounts }: Replay): BacktestWarning[] {
  const drains = ruleset.judgedRules.filter(({ kind }) => kind === 'drain').map(({ id }) => id);
  if (drains.length === 0) return [];
  let missing = 0;
  for (const { balanceNanos } of accounts.values()) if (balanceNanos === undefined) missing++;
  if (missing === 0) return [];
  const message =
    `No balance is known of ${missing} of ${accounts.size} accounts: ${drains.join(', ')} cannot say anything about them, ` +
    'which is inconclusive and no all-clear. Only a history from the database knows balances, while none of its days are archived.';
  return [{ code: 'HISTORY_BALANCES_UNKNOWN', message }];
}

function labelWarnings(tally: HistoryTally, replay: Replay, labels: LabelSet, ledger: FraudLedger): BacktestWarning[] {
  const warnings: BacktestWarning[] = [];
  const named = new Set(labels.attacks.flatMap(({ accounts }) => [...accounts]));
  const missing = [...named].filter((account) => !replay.accounts.has(account));
  if (missing.length > 0) {
    const message = `${missing.length} of ${named.size} labelled accounts are not in the history, such as ${missing[0]}.`;
    warnings.push({ code: 'LABELS_UNKNOWN_ACCOUNTS', message });
  }
  const outside = labels.attacks.filter(({ startMs, endMs }) => endMs < tally.fromMs || startMs > tally.toMs);
  if (outside.length > 0) {
    const message = `${outside.length} of ${labels.attacks.length} attacks lie outside the history, such as ${outside[0]?.id}; they count as missed.`;
    warnings.push({ code: 'LABELS_OUTSIDE_HISTORY', message });
  }
  const labelledEvents = labels.fraudEvents?.size ?? 0;
  const wrong = ledger.mismatched + labelledEvents - ledger.booked;
  if (labelledEvents > 0 && wrong > labelledEvents * MISMATCH_SHARE_MAX) {
    const message = `${wrong} of ${labelledEvents} labelled events are not where fraud.csv says, or of other accounts: it belongs to another file.`;
    warnings.push({ code: 'LABELS_OF_ANOTHER_FILE', message });
  }
  return warnings;
}

function hours(ms: number): string {
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / 60_000)} minutes`;
  return ms < 3 * DAY_MS ? `${Math.round(ms / HOUR_MS)} hours` : `${Math.round(ms / DAY_MS)} days`;
}
