import type pg from 'pg';
import { NO_CONTACT } from '../../../domain/contacts/contact.ts';
import type { DraftContent } from '../../../domain/dunning/draft.ts';
import type { DunningEpisode, DunningStep } from '../../../domain/dunning/episode.ts';
import { HOURS_OF_WEEK } from '../../../domain/dunning/local-time.ts';
import type { RetryModel } from '../../../domain/dunning/retry-model.ts';
import { DAY_MS } from '../../../domain/time.ts';
import type { DraftStatus, DunningStore, OwnLimit, StoredDraft } from '../../../pipeline/dunning/dunning-store.ts';
import { createContactStore } from '../contact-store.ts';
import { at, ms, msOrNull } from '../stripe/rows.ts';

interface EpisodeRow {
  readonly episode_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly wallet_id: bigint;
  readonly currency: string;
  readonly topup_id: string;
  readonly amount: bigint;
  readonly decline_class: DunningEpisode['declineClass'];
  readonly tell: DunningEpisode['tell'];
  readonly decline_code: string | null;
  readonly state: DunningEpisode['state'];
  readonly opened_at: Date;
  readonly closed_at: Date | null;
  readonly retries: number;
  readonly next_try_at: Date | null;
  readonly reason: string;
  readonly probability: number | null;
  readonly percent: number;
}

interface DraftRow {
  readonly draft_id: string;
  readonly episode_id: string;
  readonly tenant_id: string;
  readonly step: DunningStep;
  readonly content: DraftContent;
  readonly status: DraftStatus;
  readonly created_at: Date;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
}

/** The model's arrays as JSON lists. */
interface StoredModel {
  readonly weights: readonly number[];
  readonly covariance: readonly number[];
  readonly crowd: Readonly<
    Record<'hourTries' | 'hourSuccesses' | 'weekdayTries' | 'weekdaySuccesses', readonly number[]>
  >;
}

const UNFINISHED = `state in ('open', 'given_up', 'handed_over')`;
const ACTIVITY_DAYS = 28;
const PATCHED: Readonly<Record<string, string>> = {
  state: 'state',
  closedAtMs: 'closed_at',
  retries: 'retries',
  nextTryAtMs: 'next_try_at',
  reason: 'reason',
  probability: 'probability',
  percent: 'percent',
  declineClass: 'decline_class',
  tell: 'tell',
  declineCode: 'decline_code',
};

/** Episodes, drafts and the model, on PostgreSQL. */
export function createDunningStore(pool: pg.Pool): DunningStore {
  const contacts = createContactStore(pool);
  const ofWallet = async (walletId: bigint) => {
    const { rows } = await pool.query<EpisodeRow>(
      `select * from dunning_episode where wallet_id = $1 and ${UNFINISHED}`,
      [walletId],
    );
    return rows[0] === undefined ? undefined : readEpisode(rows[0]);
  };
  return {
    ofWallet,
    async open(episode) {
      await pool.query(
        `insert into dunning_episode (episode_id, tenant_id, account_id, wallet_id, currency, topup_id, amount, decline_class,
           tell, decline_code, opened_at, reason, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11) on conflict do nothing`,
        [
          episode.episodeId,
          episode.tenant,
          episode.account,
          episode.walletId,
          episode.currency,
          episode.topupId,
          episode.amountNanos,
          episode.declineClass,
          episode.tell,
          episode.declineCode,
          at(episode.openedAtMs),
          episode.reason,
        ],
      );
      return (await ofWallet(episode.walletId)) ?? episode;
    },
    async unfinished(limit) {
      const { rows } = await pool.query<EpisodeRow>(
        `select * from dunning_episode where ${UNFINISHED} order by opened_at limit $1`,
        [limit],
      );
      return rows.map(readEpisode);
    },
    async update(episodeId, patch, nowMs) {
      const entries = Object.entries(patch);
      const sets = entries.map(([key], index) => `${PATCHED[key]} = $${index + 3}`);
      const values = entries.map(([key, value]) => (key.endsWith('AtMs') ? at(value as number | null) : value));
      await pool.query(`update dunning_episode set ${[...sets, 'updated_at = $2'].join(', ')} where episode_id = $1`, [
        episodeId,
        at(nowMs),
        ...values,
      ]);
    },
    async keepLimit(episodeId, limit) {
      await pool.query('update dunning_episode set limit_before = $2 where episode_id = $1', [
        episodeId,
        limitText(limit),
      ]);
    },
    limitBefore: async (episodeId) => (await limits(pool, episodeId)).before,
    async keepSet(episodeId, limit) {
      await pool.query('update dunning_episode set limit_set = $2 where episode_id = $1', [
        episodeId,
        limitText(limit),
      ]);
    },
    limitSet: async (episodeId) => (await limits(pool, episodeId)).set,
    async paidSince(walletId, sinceMs) {
      const { rows } = await pool.query<{ updated_at: Date }>(
        `select updated_at from topup where wallet_id = $1 and status = 'paid' and updated_at >= $2 order by updated_at limit 1`,
        [walletId, at(sinceMs)],
      );
      return rows[0] === undefined ? undefined : ms(rows[0].updated_at);
    },
    async payments(tenant, account, sinceMs) {
      const { rows } = await pool.query<{ at: Date; paid: boolean; payment_method: string | null }>(
        `select case when status = 'paid' then updated_at else created_at end as at, status = 'paid' as paid, payment_method
         from topup where tenant_id = $1 and account_id = $2 and kind = 'auto' and status in ('paid', 'declined')
           and created_at >= $3 order by 1`,
        [tenant, account, at(sinceMs)],
      );
      return rows.map((row) => ({ atMs: ms(row.at), succeeded: row.paid, paymentMethod: row.payment_method }));
    },
    async activity(walletId, nowMs) {
      // Entries are in partitions by day: only four weeks are read.
      const { rows } = await pool.query<{ hour: number; events: number }>(
        `select ((extract(isodow from event_time) - 1) * 24 + extract(hour from event_time))::int as hour, count(*)::int as events
         from entry where wallet_id = $1 and event_time >= $2 and event_time < $3 and kind in (1, 6, 7) group by 1`,
        [walletId, at(nowMs - ACTIVITY_DAYS * DAY_MS), at(nowMs)],
      );
      const byHour = new Map(rows.map(({ hour, events }) => [hour, events]));
      return Array.from({ length: HOURS_OF_WEEK }, (_, hour) => byHour.get(hour) ?? 0);
    },
    async ended(nowMs) {
      const { rows } = await pool.query<{ ended: number; attempts: number }>(
        `select count(*)::int as ended, coalesce(sum(retries), 0)::int as attempts from dunning_episode
         where state in ('recovered', 'given_up') and opened_at >= $1`,
        [at(nowMs - 90 * DAY_MS)],
      );
      return rows[0] ?? { ended: 0, attempts: 0 };
    },
    async model() {
      const { rows } = await pool.query<{ model: StoredModel; learned: number }>(
        `select model, learned from dunning_model where name = 'retry'`,
      );
      return rows[0] === undefined ? undefined : readModel(rows[0]);
    },
    async saveModel({ weights, covariance, crowd, learned }, nowMs) {
      const stored: StoredModel = {
        weights: [...weights],
        covariance: [...covariance],
        crowd: {
          hourTries: [...crowd.hourTries],
          hourSuccesses: [...crowd.hourSuccesses],
          weekdayTries: [...crowd.weekdayTries],
          weekdaySuccesses: [...crowd.weekdaySuccesses],
        },
      };
      await pool.query(
        `insert into dunning_model (name, model, learned, updated_at) values ('retry', $1, $2, $3)
         on conflict (name) do update set model = excluded.model, learned = excluded.learned, updated_at = excluded.updated_at`,
        [JSON.stringify(stored), learned, at(nowMs)],
      );
    },
    async pageOf(topupId, nowMs) {
      const { rows } = await pool.query<{ url: string | null }>(
        `select url from topup where topup_id = $1 and status = 'awaiting_customer' and (url_expires_at is null or url_expires_at > $2)`,
        [topupId, at(nowMs)],
      );
      return rows[0]?.url ?? null;
    },
    contact: async (tenant, account) => (await contacts.read(tenant, account)) ?? NO_CONTACT,
    async ownLimit(walletId): Promise<OwnLimit> {
      const { rows } = await pool.query<{ throttle_limit: bigint | null; throttle_period_ms: bigint | null }>(
        'select throttle_limit, throttle_period_ms from wallet where wallet_id = $1',
        [walletId],
      );
      const row = rows[0];
      if (row === undefined || row.throttle_limit === null || row.throttle_period_ms === null) return null;
      return { limit: row.throttle_limit, periodMs: Number(row.throttle_period_ms) };
    },
    async drafts({ tenant, episodeId, status, limit }) {
      const { rows } = await pool.query<DraftRow>(
        `select * from dunning_draft where ($1::text is null or tenant_id = $1) and ($2::text is null or episode_id = $2)
           and ($3::text is null or status = $3)
         order by created_at, array_position(array['reminder', 'action_needed', 'final'], step), draft_id limit $4`,
        [tenant ?? null, episodeId ?? null, status ?? null, limit],
      );
      return rows.map(readDraft);
    },
    async draft(tenant, draftId) {
      const { rows } = await pool.query<DraftRow>(
        'select * from dunning_draft where tenant_id = $1 and draft_id = $2',
        [tenant, draftId],
      );
      const [row] = rows;
      if (row === undefined) return undefined;
      const episode = await pool.query<EpisodeRow>('select * from dunning_episode where episode_id = $1', [
        row.episode_id,
      ]);
      return episode.rows[0] === undefined
        ? undefined
        : { draft: readDraft(row), episode: readEpisode(episode.rows[0]) };
    },
    async addDraft(draft) {
      await pool.query(
        `insert into dunning_draft (draft_id, episode_id, tenant_id, step, language, content, status, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
        [
          draft.draftId,
          draft.episodeId,
          draft.tenant,
          draft.step,
          draft.content.language,
          JSON.stringify(draft.content),
          draft.status,
          at(draft.createdAtMs),
        ],
      );
    },
    async decide(draftId, from, to, by, nowMs) {
      const { rowCount } = await pool.query(
        `update dunning_draft set status = $3, decided_by = $4, decided_at = $5 where draft_id = $1 and status = any($2)`,
        [draftId, from, to, by, at(nowMs)],
      );
      if (rowCount !== 1) return false;
      await audit(pool, { draftId, action: `dunning.${to}`, by, nowMs, detail: {} });
      return true;
    },
    async rewrite(draftId, content, by, nowMs) {
      const { rowCount } = await pool.query(
        `update dunning_draft set content = $2 where draft_id = $1 and status = 'draft'`,
        [draftId, JSON.stringify(content)],
      );
      if (rowCount !== 1) return false;
      await audit(pool, { draftId, action: 'dunning.edit', by, nowMs, detail: {} });
      return true;
    },
    async list(tenant, limit) {
      const { rows } = await pool.query<EpisodeRow>(
        'select * from dunning_episode where tenant_id = $1 order by opened_at desc, episode_id limit $2',
        [tenant, limit],
      );
      return rows.map(readEpisode);
    },
    async read(tenant, episodeId) {
      const { rows } = await pool.query<EpisodeRow>(
        'select * from dunning_episode where tenant_id = $1 and episode_id = $2',
        [tenant, episodeId],
      );
      return rows[0] === undefined ? undefined : readEpisode(rows[0]);
    },
  };
}

interface StoredLimit {
  readonly limit?: string;
  readonly periodMs?: number;
}

async function limits(
  pool: pg.Pool,
  episodeId: string,
): Promise<{ readonly before: OwnLimit | undefined; readonly set: OwnLimit | undefined }> {
  const { rows } = await pool.query<{ limit_before: StoredLimit | null; limit_set: StoredLimit | null }>(
    'select limit_before, limit_set from dunning_episode where episode_id = $1',
    [episodeId],
  );
  return { before: readLimit(rows[0]?.limit_before), set: readLimit(rows[0]?.limit_set) };
}

function readLimit(stored: StoredLimit | null | undefined): OwnLimit | undefined {
  if (stored == null) return undefined;
  return stored.limit === undefined ? null : { limit: BigInt(stored.limit), periodMs: stored.periodMs ?? 0 };
}

function limitText(limit: OwnLimit): string {
  return JSON.stringify(limit === null ? { none: true } : { limit: limit.limit.toString(), periodMs: limit.periodMs });
}

async function audit(
  pool: pg.Pool,
  entry: {
    readonly draftId: string;
    readonly action: string;
    readonly by: string;
    readonly nowMs: number;
    readonly detail: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  await pool.query(
    `insert into audit_log (at, tenant_id, actor, action, subject, detail)
     select $2, tenant_id, $3, $4, draft_id, $5 from dunning_draft where draft_id = $1`,
    [entry.draftId, at(entry.nowMs), entry.by, entry.action, JSON.stringify(entry.detail)],
  );
}

function readModel({ model, learned }: { readonly model: StoredModel; readonly learned: number }): RetryModel {
  const { crowd } = model;
  return {
    weights: Float64Array.from(model.weights),
    covariance: Float64Array.from(model.covariance),
    crowd: {
      hourTries: Float64Array.from(crowd.hourTries),
      hourSuccesses: Float64Array.from(crowd.hourSuccesses),
      weekdayTries: Float64Array.from(crowd.weekdayTries),
      weekdaySuccesses: Float64Array.from(crowd.weekdaySuccesses),
    },
    learned,
  };
}

function readEpisode(row: EpisodeRow): DunningEpisode {
  return {
    episodeId: row.episode_id,
    tenant: row.tenant_id,
    account: row.account_id,
    walletId: row.wallet_id,
    currency: row.currency,
    topupId: row.topup_id,
    amountNanos: row.amount,
    declineClass: row.decline_class,
    tell: row.tell,
    declineCode: row.decline_code,
    state: row.state,
    openedAtMs: ms(row.opened_at),
    closedAtMs: msOrNull(row.closed_at),
    retries: row.retries,
    nextTryAtMs: msOrNull(row.next_try_at),
    reason: row.reason,
    probability: row.probability,
    percent: row.percent,
  };
}

function readDraft(row: DraftRow): StoredDraft {
  return {
    draftId: row.draft_id,
    episodeId: row.episode_id,
    tenant: row.tenant_id,
    step: row.step,
    content: row.content,
    status: row.status,
    createdAtMs: ms(row.created_at),
    decidedBy: row.decided_by,
    decidedAtMs: msOrNull(row.decided_at),
  };
}
