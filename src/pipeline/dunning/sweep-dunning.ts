import { draftOf } from '../../domain/dunning/draft.ts';
import { type DunningEpisode, type DunningStep, isLater, stepDue } from '../../domain/dunning/episode.ts';
import { type Runway, runwayOf, slowedLimit } from '../../domain/dunning/runway.ts';
import { formatWalletId } from '../../domain/ids.ts';
import { lowBalance } from '../../domain/summaries/low-balance.ts';
import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore } from '../admin/admin-store.ts';
import { setLimits } from '../admin/set-limits.ts';
import type { StoryStore } from '../summaries/story-store.ts';
import { type QueueDraft, sendDraft } from './decide-draft.ts';
import { type DunningParts, learnFromPayment } from './dunning.ts';
import type { OwnLimit } from './dunning-store.ts';

/** What looking after open episodes works with. */
export interface DunningSweep extends DunningParts {
  readonly admin: AdminStore;
  readonly stories: StoryStore;
  readonly queue: QueueDraft;
  readonly overdraftNanos: () => bigint;
  /** Steps that are sent without anybody's approval. */
  readonly sends: ReadonlySet<DunningStep>;
  /** Whether accounts are slowed down while their top-up is unpaid. */
  readonly slows: boolean;
  /** Where customers pay; null where there is no such page. */
  readonly payUrl: string | null;
  readonly now: () => number;
}

const ACTOR = 'dunning';
const PAGE = 200;
/** After it an unpaid episode is left alone: whoever has not paid in a month is for people. */
const KEPT_MS = 30 * DAY_MS;

/** Looks after every episode that is not over: ends those that were paid, slows down and drafts for the others. */
export async function sweepDunning(parts: DunningSweep): Promise<number> {
  const episodes = await parts.store.unfinished(PAGE);
  for (const episode of episodes) await parts.alone(`dunning ${episode.episodeId}`, () => lookAfter(parts, episode));
  for (const draft of await parts.store.drafts({ status: 'approved', limit: PAGE })) {
    await sendDraft(parts, draft.tenant, draft.draftId, draft.decidedBy ?? ACTOR);
  }
  return episodes.length;
}

async function lookAfter(parts: DunningSweep, episode: DunningEpisode): Promise<void> {
  const { store, now } = parts;
  const paidAtMs = await store.paidSince(episode.walletId, episode.openedAtMs);
  if (paidAtMs !== undefined) return recover(parts, episode, paidAtMs);
  if (now() - episode.openedAtMs > KEPT_MS) return;
  const at = { nowMs: now(), overdraftNanos: parts.overdraftNanos() };
  const balances = await parts.stories.balances(episode.tenant, episode.account, at);
  const found = balances.find(({ facts }) => facts.walletId === formatWalletId(episode.walletId));
  if (found === undefined) return;
  const { facts, contact } = found;
  const { dailyPaceNanos } = lowBalance({ ...facts, payUrl: null }, { daysMax: 0, belowNanos: 0n });
  const runway = runwayOf({
    spendableNanos: facts.availableNanos + facts.overdraftNanos,
    usualPerDayNanos: dailyPaceNanos ?? 0n,
  });
  const slowed = await slowDown(parts, episode, runway, dailyPaceNanos ?? 0n);
  const step = stepDue(slowed, runway.days);
  if (step === undefined) return;
  const earlier = await store.drafts({ episodeId: episode.episodeId, limit: 10 });
  if (earlier.some((draft) => draft.step === step || isLater(draft.step, step))) return;
  // The new step says all that those before it would have: nobody needs to send them any more.
  for (const draft of earlier) await store.decide(draft.draftId, ['draft'], 'withdrawn', ACTOR, now());
  const { language, timeZone, personName } = contact;
  const content = draftOf(slowed, step, {
    personName,
    reader: { language, timeZone },
    balanceNanos: facts.availableNanos,
    runwayDays: runway.days,
    payUrl: (await store.pageOf(episode.topupId, now())) ?? parts.payUrl,
  });
  const status = parts.sends.has(step) ? 'approved' : 'draft';
  const draftId = `dun-${episode.episodeId}-${step}`;
  await store.addDraft({
    draftId,
    episodeId: episode.episodeId,
    tenant: episode.tenant,
    step,
    content,
    status,
    createdAtMs: now(),
  });
}

/** The money is there: full speed again, no more mails, and the model learns. */
async function recover(parts: DunningSweep, episode: DunningEpisode, paidAtMs: number): Promise<void> {
  const { store, now } = parts;
  // A wallet that cannot be changed just now keeps its episode, and with it the word of what is to be put back.
  if (!(await speedUp(parts, episode))) return;
  for (const draft of await store.drafts({ episodeId: episode.episodeId, limit: 10 })) {
    await store.decide(draft.draftId, ['draft', 'approved'], 'withdrawn', ACTOR, now());
  }
  await learnFromPayment(parts, episode, paidAtMs, now());
  const patch = { state: 'recovered', closedAtMs: paidAtMs, nextTryAtMs: null, reason: 'Paid.', percent: 100 } as const;
  await store.update(episode.episodeId, patch, now());
}

/** Slows the wallet down to a share of its usual pace. A limit that people have set tighter than that stays. */
async function slowDown(
  parts: DunningSweep,
  episode: DunningEpisode,
  { percent }: Runway,
  usualPerDayNanos: bigint,
): Promise<DunningEpisode> {
  const { store } = parts;
  const { episodeId, walletId } = episode;
  // An account without a usual pace has nothing to be a share of; and speeding up again is what a payment is for.
  if (!parts.slows || usualPerDayNanos <= 0n || percent >= episode.percent) return episode;
  const slow = { limit: slowedLimit(usualPerDayNanos, percent, HOUR_MS), periodMs: HOUR_MS };
  const own = await store.ownLimit(walletId);
  const ours = await store.limitSet(episodeId);
  const isOurs = ours !== undefined && isSame(own, ours);
  if (own !== null && !isOurs && isTighter(own, slow)) return episode;
  if (!isOurs) await store.keepLimit(episodeId, own);
  const reason = `a top-up is unpaid and the balance runs out: ${percent} % of the usual pace until it is paid`;
  if (!(await setLimit(parts, episode, slow, reason))) return episode;
  await store.keepSet(episodeId, slow);
  await store.update(episodeId, { percent }, parts.now());
  return { ...episode, percent };
}

/** Puts the wallet's own limit back, unless somebody has changed it since; false when that cannot be done now. */
async function speedUp(parts: DunningSweep, episode: DunningEpisode): Promise<boolean> {
  const { store } = parts;
  const ours = await store.limitSet(episode.episodeId);
  if (ours === undefined || !isSame(await store.ownLimit(episode.walletId), ours)) return true;
  const before = (await store.limitBefore(episode.episodeId)) ?? null;
  return setLimit(parts, episode, before, 'the top-up was paid: full speed again');
}

/** False when the wallet cannot be changed now; the next look tries again. */
async function setLimit(
  parts: DunningSweep,
  { episodeId, tenant, account, currency }: DunningEpisode,
  throttle: OwnLimit,
  reason: string,
): Promise<boolean> {
  const said = throttle === null ? 'none' : `${throttle.limit}-${throttle.periodMs}`;
  try {
    await setLimits(parts.admin, {
      wallet: { tenant, name: account, currency },
      throttle,
      // The limit is part of the key: after a crash another pace is another request, and the same one is the same.
      key: `dunning-${episodeId}-${said}`,
      actor: ACTOR,
      reason,
      nowMs: parts.now(),
      dryRun: false,
      overdraftNanos: parts.overdraftNanos(),
    });
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'WALLET_STATE') return false;
    throw error;
  }
}

function isSame(a: OwnLimit, b: OwnLimit): boolean {
  return a?.limit === b?.limit && a?.periodMs === b?.periodMs;
}

function isTighter(a: NonNullable<OwnLimit>, b: NonNullable<OwnLimit>): boolean {
  return a.limit * BigInt(b.periodMs) < b.limit * BigInt(a.periodMs);
}
