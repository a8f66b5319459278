import type pg from 'pg';
import { type Contact, NO_CONTACT } from '../../domain/contacts/contact.ts';
import { formatWalletId } from '../../domain/ids.ts';
import type { AlertStory, ToldPayment } from '../../domain/summaries/alert-story.ts';
import { DAY_MS, formatIso } from '../../domain/time.ts';
import { reviewWords } from '../../pipeline/review/review-words.ts';
import { factsOf } from '../../pipeline/summaries/read-story.ts';
import type { StoryStore, ToldStory } from '../../pipeline/summaries/story-store.ts';
import { createContactStore } from './contact-store.ts';
import { showAlert } from './queries/alerts.ts';
import { createReviewStore } from './review-store.ts';
import { HELD } from './wallet-row.ts';

const PAYMENTS_MAX = 3;
const PACE_DAYS = 28;
const AT_ONCE = 3;

/** What summaries are written from, on PostgreSQL. */
export function createStoryStore(pool: pg.Pool): StoryStore {
  const contacts = createContactStore(pool);
  const reviews = createReviewStore(pool);
  const story = async (tenant: string, alertId: string): Promise<ToldStory | undefined> => {
    const detail = await showAlert(pool, tenant, alertId);
    if (detail === undefined) return undefined;
    const { account, walletId } = detail.alert;
    const subject = await reviews.subject(tenant, alertId);
    const contact = (await contacts.read(tenant, account)) ?? NO_CONTACT;
    const told: AlertStory = {
      facts: factsOf(detail),
      accountName: contact.accountName,
      ...(await aboutAccount(pool, tenant, account, detail.alert.raisedAtMs)),
      similar: subject?.similar ?? { fraud: 0, benign: 0 },
      payments: await paymentsOf(pool, walletId, detail.alert.raisedAtMs),
      modelReview: reviewWords(detail.review) ?? null,
    };
    return { story: told, contact };
  };
  const stories = async (tenant: string, ids: readonly string[]) => {
    const told: ToldStory[] = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const some = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => story(tenant, id)));
      told.push(...some.filter((one) => one !== undefined));
    }
    return told;
  };
  return {
    story,
    openStories: async (tenant, { fromMs, toMs, limit }) => {
      const { rows } = await pool.query<{ alert_id: string }>(
        `select alert_id from alert where tenant_id = $1 and status = 'open' and raised_at >= $2 and raised_at < $3
         order by money_at_risk desc, alert_id limit $4`,
        [tenant, formatIso(fromMs), formatIso(toMs), limit],
      );
      return stories(
        tenant,
        rows.map((row) => row.alert_id),
      );
    },
    incidentOf: async (tenant, alertId, gapMs) => {
      // Each alert within the gap of the one after it, back from the given one.
      const { rows } = await pool.query<{ alert_id: string }>(
        `with recursive chain as (
           select alert_id, wallet_id, raised_at from alert where tenant_id = $1 and alert_id = $2
           union all
           select p.alert_id, p.wallet_id, p.raised_at from chain c cross join lateral (
             select a.alert_id, a.wallet_id, a.raised_at from alert a
             where a.wallet_id = c.wallet_id and (a.raised_at, a.alert_id) < (c.raised_at, c.alert_id)
               and a.raised_at >= c.raised_at - $3 * interval '1 millisecond'
             order by a.raised_at desc, a.alert_id desc limit 1) p
         ) select alert_id from chain order by raised_at desc, alert_id desc limit 50`,
        [tenant, alertId, gapMs],
      );
      return stories(tenant, rows.map((row) => row.alert_id).reverse());
    },
    balances: async (tenant, account, { nowMs, overdraftNanos }) => {
      const contact = (await contacts.read(tenant, account)) ?? NO_CONTACT;
      const { rows } = await pool.query<BalanceRow>(BALANCES, [tenant, account]);
      const found: { facts: Awaited<ReturnType<typeof balanceOf>>; contact: Contact }[] = [];
      for (const row of rows)
        found.push({ facts: await balanceOf(pool, { row, account, contact, nowMs, overdraftNanos }), contact });
      return found;
    },
  };
}

async function aboutAccount(pool: pg.Pool, tenant: string, account: string, beforeMs: number) {
  const { rows } = await pool.query<{ opened_at: Date; fraud: number; benign: number }>(
    `select a.opened_at, count(*) filter (where t.status = 'confirmed_fraud')::int as fraud,
       count(*) filter (where t.status = 'benign')::int as benign
     from account a left join alert t on t.tenant_id = a.tenant_id and t.account_id = a.account_id and t.raised_at < $3
     where a.tenant_id = $1 and a.account_id = $2 group by 1`,
    [tenant, account, formatIso(beforeMs)],
  );
  const row = rows[0];
  const earlier = { fraud: row?.fraud ?? 0, benign: row?.benign ?? 0 };
  return { openedAtMs: row?.opened_at.getTime() ?? null, earlier };
}

interface PaymentRow {
  readonly amount: bigint;
  readonly currency: string;
  readonly created_at: Date;
  readonly status: string;
  readonly refunded: bigint;
  readonly disputed: bigint;
}

async function paymentsOf(pool: pg.Pool, walletId: bigint, beforeMs: number): Promise<readonly ToldPayment[]> {
  const { rows } = await pool.query<PaymentRow>(
    `select amount, currency, created_at, status, refunded, disputed from topup
     where wallet_id = $1 and created_at <= $2 order by created_at desc limit $3`,
    [walletId, formatIso(beforeMs), PAYMENTS_MAX],
  );
  return rows.map((row) => ({
    amountNanos: row.amount,
    currency: row.currency,
    atMs: row.created_at.getTime(),
    state: stateOf(row),
  }));
}

function stateOf({ status, refunded, disputed }: PaymentRow): ToldPayment['state'] {
  if (disputed > 0n) return 'disputed';
  if (refunded > 0n) return 'refunded';
  if (status === 'paid') return 'paid';
  return ['declined', 'failed', 'canceled', 'expired'].includes(status) ? 'declined' : 'waiting';
}

interface BalanceRow {
  readonly wallet_id: bigint;
  readonly currency: string;
  readonly posted: bigint;
  readonly held: bigint;
  readonly overdraft_limit: bigint | null;
  readonly seq: bigint;
  readonly auto_amount: bigint | null;
}

const BALANCES = `
  select w.wallet_id, w.currency, w.posted, ${HELD} as held, w.overdraft_limit, w.seq, t.amount as auto_amount
  from wallet w left join auto_topup t on t.wallet_id = w.wallet_id and t.is_on and t.stopped_because is null
  where w.tenant_id = $1 and w.account_id = $2 order by w.currency`;

interface BalanceRequest {
  readonly row: BalanceRow;
  readonly account: string;
  readonly contact: Contact;
  readonly nowMs: number;
  readonly overdraftNanos: bigint;
}

async function balanceOf(pool: pg.Pool, { row, account, contact, nowMs, overdraftNanos }: BalanceRequest) {
  const today = Math.floor(nowMs / DAY_MS);
  // Entries are in partitions by day, and the day of an event is the beginning of its key: only four weeks are read.
  const { rows } = await pool.query<{ day: number; spent: bigint }>(
    `select floor(extract(epoch from event_time) / 86400)::int as day, -sum(amount)::bigint as spent from entry
     where wallet_id = $1 and event_time >= $2 and event_time < $3 and kind in (1, 6, 7) group by 1`,
    [row.wallet_id, formatIso((today - PACE_DAYS) * DAY_MS), formatIso(today * DAY_MS)],
  );
  const byDay = new Map(rows.map(({ day, spent }) => [day, spent > 0n ? spent : 0n]));
  const first = Math.min(today, ...byDay.keys());
  return {
    account,
    walletId: formatWalletId(row.wallet_id),
    currency: row.currency,
    availableNanos: row.posted - row.held,
    overdraftNanos: row.overdraft_limit ?? overdraftNanos,
    dailySpendNanos: Array.from({ length: today - first }, (_, index) => byDay.get(first + index) ?? 0n),
    crossing: Number(row.seq),
    heldNanos: row.held,
    autoTopUpNanos: row.auto_amount,
    personName: contact.personName,
    nowMs,
  };
}
