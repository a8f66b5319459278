import type { OutgoingMessage } from '../messages/outgoing-message.ts';
import { formatDecimal } from '../money/nanos.ts';
import { checkNumbers, type LockFact, type LockProblem } from '../numbers-lock/check-numbers.ts';
import type { Language } from '../numbers-lock/number-words.ts';
import { dayIn, moneyIn, percentIn, type Reader, spanIn, timeIn } from '../summaries/locale.ts';
import { messageOf } from '../summaries/message.ts';
import { cleanLabel } from '../text/clean.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { draftWords } from './draft-words.ts';
import type { DunningEpisode, DunningStep } from './episode.ts';

/** What a draft may say besides the episode. */
export interface DraftFacts {
  readonly personName: string | null;
  readonly reader: Reader;
  readonly balanceNanos: bigint;
  /** How long the balance lasts; null when the account spends nothing. */
  readonly runwayDays: number | null;
  /** Where the customer pays; null where there is no such page. */
  readonly payUrl: string | null;
}

/** A mail as text, the figures it is held to, and the one link it has. Plain values, so that it can be stored and edited. */
export interface DraftContent {
  readonly language: Language;
  readonly step: DunningStep;
  readonly account: string;
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly facts: readonly LockFact[];
  readonly payUrl: string | null;
}

/** Words that must begin a word of the sentence a figure stands in, in either language: what belongs to what. */
const NEAR = {
  amount: ['top-up', 'topup', 'payment', 'pay', 'charge', 'amount', 'aufladung', 'zahlung', 'zahlen', 'betrag'],
  balance: ['balance', 'left', 'still have', 'guthaben', 'übrig'],
  day: ['top-up', 'topup', 'payment', 'declined', 'failed', 'aufladung', 'zahlung', 'abgelehnt'],
  again: ['try', 'tried', 'retry', 'again', 'versuch'],
  runway: ['last', 'enough', 'reicht', 'genügt'],
  percent: ['usage', 'speed', 'rate', 'slow', 'nutzung', 'geschwindigkeit', 'langsam'],
} as const;

/** The mail of a step from its template. It never names a reason that must not be told, and never suspicion. */
export function draftOf(episode: DunningEpisode, step: DunningStep, given: DraftFacts): DraftContent {
  const { reader, balanceNanos, runwayDays, payUrl } = given;
  const words = draftWords(reader.language);
  const amount = moneyIn(episode.amountNanos, episode.currency, reader);
  const balance = moneyIn(balanceNanos, episode.currency, reader);
  const day = dayIn(episode.openedAtMs, reader);
  const reason = episode.tell === 'as_is' ? (words.reasons[episode.declineCode ?? ''] ?? null) : null;
  const again =
    step !== 'final' && episode.nextTryAtMs !== null ? timeIn(episode.nextTryAtMs, reader, { year: true }) : null;
  const runway = runwayDays === null || balanceNanos <= 0n ? null : spanIn(roundedSpan(runwayDays), reader, 'alone');
  const percent = episode.percent < 100 ? percentIn(episode.percent / 100) : null;
  const name = given.personName === null ? null : cleanLabel(given.personName, 60);
  const { declineClass } = episode;
  const ask =
    declineClass === 'authenticate' || declineClass === 'fix_details' || declineClass === 'new_card'
      ? declineClass
      : 'retry';
  const paragraphs = [
    words.greeting(name),
    words.failed(amount, day, reason),
    ...(episode.retries > 0 && step !== 'reminder' ? [words.triedSince] : []),
    ...(again === null
      ? []
      : [step === 'reminder' ? `${words.again(again)} ${words.nothingToDo}` : words.again(again)]),
    ...(step === 'action_needed' || (step === 'final' && ask !== 'retry') ? [words.ask[ask]] : []),
    ...(step === 'final' ? [words.final] : []),
    words.balance(balance, runway),
    ...(percent === null ? [] : [words.slowed(percent)]),
    ...(payUrl === null && step !== 'reminder' ? [words.noLink] : []),
    words.closing,
  ];
  const facts: LockFact[] = [
    { text: amount, near: NEAR.amount },
    { text: balance, near: NEAR.balance },
    { text: day, near: NEAR.day },
    ...(again === null ? [] : [{ text: again, near: NEAR.again }]),
    ...(runway === null ? [] : [{ text: runway, near: NEAR.runway }]),
    ...(percent === null ? [] : [{ text: percent, near: NEAR.percent }]),
    ...(name === null ? [] : [{ text: name, kind: 'name' as const }]),
    ...(payUrl === null ? [] : [{ text: payUrl }]),
  ];
  const account = cleanLabel(episode.account, 60);
  return { language: reader.language, step, account, subject: words.subject[step](amount), paragraphs, facts, payUrl };
}

/** What is wrong with a draft's words: figures, names and links that are not in its facts. */
export function draftProblems(draft: DraftContent): readonly LockProblem[] {
  const evidence = {
    language: draft.language,
    facts: [...draft.facts, { text: draft.account, kind: 'name' as const }],
  };
  // Apart: a greeting is one only where the text begins.
  return [draft.subject, draft.paragraphs.join('\n')].flatMap((text) => checkNumbers(text, evidence));
}

/** Words that would tell a customer what must not be told, in either language. */
const TELLS_SUSPICION =
  /fraud|stolen|lost card|suspic|blacklist|betrug|betrüg|gestohlen|verloren|verdacht|gesperrt|sperrliste/iu;

/** Whether a text speaks of suspicion. */
export function tellsSuspicion(text: string): boolean {
  return TELLS_SUSPICION.test(text);
}

/** The draft as a message: deterministic id, one link. */
export function draftMessage(episode: DunningEpisode, draft: DraftContent): OutgoingMessage {
  const words = draftWords(draft.language);
  const [greeting = '', ...rest] = draft.paragraphs;
  const isHttp = draft.payUrl !== null && /^https?:\/\/[^\s"'<>]+$/.test(draft.payUrl);
  return messageOf(
    {
      language: draft.language,
      tone: draft.step === 'final' ? 'stopped' : draft.step === 'action_needed' ? 'slowed' : 'calm',
      mark: words.mark[draft.step],
      heading: greeting,
      subheading: '',
      lead: rest,
      chart: null,
      tiles: [],
      sections: [],
      links: isHttp && draft.payUrl !== null ? [{ label: words.link, url: draft.payUrl }] : [],
      footer: [words.about(draft.account)],
    },
    {
      kind: 'dunning',
      severity: 'normal',
      messageId: `dun-${episode.episodeId}-${draft.step}`,
      subject: draft.subject,
      event: {
        type: `dunning.${draft.step}`,
        data: {
          account: episode.account,
          episode: episode.episodeId,
          amount: formatDecimal(episode.amountNanos),
          currency: episode.currency,
          nextTryAt: episode.nextTryAtMs === null ? null : new Date(episode.nextTryAtMs).toISOString(),
          percent: episode.percent,
        },
      },
    },
  );
}

/** Days from two on, else hours; never rounded up. */
function roundedSpan(days: number): number {
  if (days >= 2) return Math.floor(days) * DAY_MS;
  return days >= 1 ? DAY_MS : Math.max(1, Math.floor(days * 24)) * HOUR_MS;
}
