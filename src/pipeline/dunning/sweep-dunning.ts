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
  await setSpeed(parts, episode, 100, 0n);
  for (const draft of await store.drafts({ episodeId: episode.episodeId, limit: 10 })) {
    await store.decide(draft.draftId, ['draft', 'approved'], 'withdrawn', ACTOR, now());
  }
  await learnFromPayment(parts, episode, paidAtMs, now());
  const patch = { state: 'recovered', closedAtMs: paidAtMs, nextTryAtMs: null, reason: 'Paid.', percent: 100 } as const;
  await store.update(episode.episodeId, patch, now());
}

async function slowDown(
  parts: DunningSweep,
  episode: DunningEpisode,
  { percent }: Runway,
  usualPerDayNanos: bigint,
): Promise<DunningEpisode> {
  // An account without a usual pace has nothing to be a share of; and speeding up again is what a payment is for.
  if (!parts.slows || usualPerDayNanos <= 0n || percent >= episode.percent) return episode;
  await setSpeed(parts, episode, percent, usualPerDayNanos);
  await parts.store.update(episode.episodeId, { percent }, parts.now());
  return { ...episode, percent };
}

/** Sets the wallet's spending limit to a share of its usual pace, or back to what it was before. */
async function setSpeed(
  parts: DunningSweep,
  episode: DunningEpisode,
  percent: number,
  usualPerDayNanos: bigint,
): Promise<void> {
  const { store, admin, now } = parts;
  const { episodeId, tenant, account, currency, walletId } = episode;
  if (percent === 100 && episode.percent === 100) return;
  if (percent < 100 && episode.percent === 100) await store.keepLimit(episodeId, await store.ownLimit(walletId));
  const before = (await store.limitBefore(episodeId)) ?? null;
  const slow = { limit: slowedLimit(usualPerDayNanos, percent, HOUR_MS), periodMs: HOUR_MS };
  try {
    await setLimits(admin, {
      wallet: { tenant, name: account, currency },
      throttle: percent === 100 ? before : slow,
      key: `dunning-${episodeId}-${percent}`,
      actor: ACTOR,
      reason:
        percent === 100
          ? 'the top-up was paid: full speed again'
          : `a top-up is unpaid and the balance runs out: ${percent} % of the usual pace until it is paid`,
      nowMs: now(),
      dryRun: false,
      overdraftNanos: parts.overdraftNanos(),
    });
  } catch (error) {
    // A wallet that is gone, or being thawed, is not ours to change now; the next look tries again.
    if (!(error instanceof AppError) || (error.code !== 'WALLET_STATE' && error.code !== 'WALLET_NOT_FOUND'))
      throw error;
  }
}
