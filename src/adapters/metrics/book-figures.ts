import type pg from 'pg';
import { nanosPerMinor } from '../../domain/money/minor-units.ts';
import { NANOS_PER_UNIT } from '../../domain/money/nanos.ts';

/** A figure's value, and its labels beside it. */
export type FigureRow = Readonly<Record<string, string | number>>;

/** What figures are read from; what is left out is not told. */
export interface FigureSources {
  readonly pool: pg.Pool;
  /** Jobs of the queues that others write to. */
  readonly queues?: () => Promise<
    readonly { readonly queue: string; readonly waiting: number; readonly active: number; readonly failed: number }[]
  >;
  readonly alertsPerDayMax?: () => number;
  /** What a month of running the service costs, in nano-units. */
  readonly ownCostPerMonth?: { readonly nanos: bigint; readonly currency: string } | undefined;
}

/** One figure of the books: its name, what it means, and how it is read. */
export interface BookFigure {
  readonly name: string;
  readonly type: 'gauge';
  readonly help: string;
  readonly labels?: readonly string[];
  /** Read so seldom; every quarter of a minute when left out. */
  readonly everyMs?: number;
  readonly read: (sources: FigureSources) => Promise<readonly FigureRow[]>;
}

const SLOW_MS = 15 * 60_000;

function figure(name: string, help: string, labels: readonly string[], sql: string, everyMs?: number): BookFigure {
  return {
    name,
    type: 'gauge',
    help,
    labels,
    ...(everyMs === undefined ? {} : { everyMs }),
    read: async ({ pool }) => (await pool.query<FigureRow>(sql)).rows,
  };
}

const MONEY_FIGURES: readonly BookFigure[] = [
  figure(
    'tollkeeper_wallets',
    'Wallets by status: active, frozen or thawing.',
    ['status'],
    'select status, count(*)::float8 as value from wallet group by status',
  ),
  figure(
    'tollkeeper_deficit',
    'What wallets below zero owe, in units of the currency.',
    ['currency'],
    'select currency, -sum(posted)::float8 / 1e9 as value from wallet where posted < 0 group by currency',
  ),
  figure(
    'tollkeeper_wallets_below_zero',
    'Wallets whose balance is below zero.',
    [],
    'select count(*)::float8 as value from wallet where posted < 0',
  ),
  figure(
    'tollkeeper_held',
    'Money reserved by open holds, in units of the currency.',
    ['currency'],
    `select w.currency, sum(h.amount)::float8 / 1e9 as value from hold h join wallet w using (wallet_id)
     where h.state = 'open' group by w.currency`,
  ),
  figure(
    'tollkeeper_quarantined',
    'Usage recorded and not charged, in units of the currency, by why it waits.',
    ['currency', 'reason'],
    `select w.currency, q.reason, sum(q.amount)::float8 / 1e9 as value from quarantine q join wallet w using (wallet_id)
     where q.status = 'open' and q.amount is not null group by w.currency, q.reason`,
  ),
  figure(
    'tollkeeper_money_cases_open',
    'Cases about money that wait for a person, by kind.',
    ['kind'],
    `select kind, count(*)::float8 as value from money_case where status = 'open' group by kind`,
  ),
];

const DETECTION_FIGURES: readonly BookFigure[] = [
  figure(
    'tollkeeper_alerts_day',
    'Alerts raised in the last 24 hours; compare it with the budget of the ruleset.',
    [],
    `select count(*)::float8 as value from alert where raised_at > now() - interval '24 hours'`,
  ),
  {
    name: 'tollkeeper_alert_budget_day',
    type: 'gauge',
    help: 'Alerts a day that the ruleset in force allows for.',
    read: async ({ alertsPerDayMax }) => (alertsPerDayMax === undefined ? [] : [{ value: alertsPerDayMax() }]),
  },
  figure(
    'tollkeeper_alerts_open',
    'Alerts that nobody has closed, by outcome.',
    ['outcome'],
    `select outcome, count(*)::float8 as value from alert where status = 'open' group by outcome`,
    60_000,
  ),
  figure(
    'tollkeeper_freezes_day',
    'Wallets that were frozen in the last 24 hours and still are, by who froze them: rules or people.',
    ['by'],
    `select case when frozen_by like 'dec\\_%' then 'rules' else 'people' end as by, count(*)::float8 as value
     from wallet where status = 'frozen' and frozen_at > now() - interval '24 hours' group by 1`,
  ),
  figure(
    'tollkeeper_exposure_after_trigger_day',
    'Usage above the usual that was spent already when alerts of the last 24 hours were raised, in units of the currency.',
    ['currency'],
    `select w.currency, sum(a.loss)::float8 / 1e9 as value from alert a join wallet w using (wallet_id)
     where a.raised_at > now() - interval '24 hours' group by w.currency`,
    60_000,
  ),
  figure(
    'tollkeeper_money_at_risk_day',
    'What accounts with alerts of the last 24 hours could still have spent when they were raised, in units of the currency.',
    ['currency'],
    `select w.currency, sum(a.money_at_risk)::float8 / 1e9 as value from alert a join wallet w using (wallet_id)
     where a.raised_at > now() - interval '24 hours' group by w.currency`,
    60_000,
  ),
  figure(
    'tollkeeper_reviews_day',
    'Alerts of the last 24 hours a language model was asked about, by what came of it.',
    ['status'],
    `select status, count(*)::float8 as value from llm_review where started_at > now() - interval '24 hours' group by status`,
    60_000,
  ),
  figure(
    'tollkeeper_review_cost_day',
    'What language models cost in the last 24 hours, in units of the currency of their prices.',
    [],
    `select coalesce(sum(coalesce(cost, reserved)), 0)::float8 / 1e9 as value from llm_review
     where started_at > now() - interval '24 hours'`,
    60_000,
  ),
];

const PIPELINE_FIGURES: readonly BookFigure[] = [
  {
    name: 'tollkeeper_queue_jobs',
    type: 'gauge',
    help: 'Jobs of the queues others write to, by state: waiting, active or failed.',
    labels: ['queue', 'state'],
    read: async ({ queues }) =>
      ((await queues?.()) ?? []).flatMap(({ queue, waiting, active, failed }) =>
        Object.entries({ waiting, active, failed }).map(([state, value]) => ({ queue, state, value })),
      ),
  },
  figure(
    'tollkeeper_outbox_waiting',
    'Messages that are written and not yet handed to their queue.',
    [],
    'select count(*)::float8 as value from outbox where sent_at is null',
  ),
  figure(
    'tollkeeper_rejected_events_day',
    'Events refused in the last 24 hours because they could not be read.',
    [],
    `select count(*)::float8 as value from rejected_event where rejected_at > now() - interval '24 hours'`,
    60_000,
  ),
];

const STRIPE_FIGURES: readonly BookFigure[] = [
  figure(
    'tollkeeper_stripe_events_waiting',
    'Events of Stripe that are stored and not yet worked on.',
    [],
    `select count(*)::float8 as value from stripe_event where status = 'waiting'`,
  ),
  figure(
    'tollkeeper_reconcile_drift_left',
    'What Stripe and the ledger differed by when the last reconciliation ended, in units of the currency.',
    ['currency'],
    `with last as (select report from reconcile_run where status = 'done' and not is_dry order by finished_at desc limit 1)
      select c ->> 'currency' as currency, (c ->> 'leftNanos')::float8 / 1e9 as value
      from last, json_array_elements(report -> 'currencies') c`,
  ),
  figure(
    'tollkeeper_reconcile_age_seconds',
    'Seconds since the last reconciliation ended.',
    [],
    `select extract(epoch from now() - max(finished_at))::float8 as value from reconcile_run where status = 'done' and not is_dry
      having max(finished_at) is not null`,
  ),
  figure(
    'tollkeeper_stripe_fee_per_movement',
    'What Stripe took for each movement of money in the last 30 reconciled days, in its smallest units.',
    ['currency'],
    `select currency, sum(fee)::float8 / nullif(sum(transactions), 0)::float8 as value from stripe_fee_day
      where day > current_date - 30 group by currency having sum(transactions) > 0`,
  ),
  {
    name: 'tollkeeper_cost_per_event',
    type: 'gauge',
    help: "Stripe's fees of the last 30 reconciled days and TOLLKEEPER_OWN_COST over the usage events posted in 30 days, in units of the currency.",
    labels: ['currency'],
    everyMs: SLOW_MS,
    read: costPerEvent,
  },
  figure(
    'tollkeeper_usage_export_events',
    'Events of the last 35 days that tell usage to meters, by status.',
    ['status'],
    `select status, count(*)::float8 as value from usage_export_event where created_at > now() - interval '35 days' group by status`,
    60_000,
  ),
  figure(
    'tollkeeper_usage_export_due_hours',
    'Hours of customers and meters that ended and are not told yet.',
    [],
    `select count(*)::float8 as value from usage_hour where ledger <> exported and blocked is null
      and hour < date_trunc('hour', now())`,
    60_000,
  ),
  figure(
    'tollkeeper_usage_export_blocked_hours',
    'Hours of usage that can no longer be told to a meter, by why.',
    ['cause'],
    'select blocked as cause, count(*)::float8 as value from usage_hour where blocked is not null group by blocked',
    60_000,
  ),
];

/** All figures of the books, in the order of their page of docs. */
export const BOOK_FIGURES: readonly BookFigure[] = [
  ...MONEY_FIGURES,
  ...DETECTION_FIGURES,
  ...PIPELINE_FIGURES,
  ...STRIPE_FIGURES,
];

async function costPerEvent({ pool, ownCostPerMonth }: FigureSources): Promise<readonly FigureRow[]> {
  const fees = await pool.query<{ currency: string; fee: bigint }>(
    'select currency, sum(fee)::bigint as fee from stripe_fee_day where day > current_date - 30 group by currency',
  );
  const posted = await pool.query<{ events: number }>(
    `select coalesce(sum(posted), 0)::float8 as events from batch where kind = 'usage' and posted_at > now() - interval '30 days'`,
  );
  const events = posted.rows[0]?.events ?? 0;
  if (events === 0) return [];
  const costs = new Map<string, bigint>();
  for (const { currency, fee } of fees.rows)
    costs.set(currency.toUpperCase(), fee * nanosPerMinor(currency.toUpperCase()));
  if (ownCostPerMonth !== undefined) {
    const { currency, nanos } = ownCostPerMonth;
    costs.set(currency, (costs.get(currency) ?? 0n) + nanos);
  }
  return [...costs].map(([currency, nanos]) => ({ currency, value: Number(nanos) / Number(NANOS_PER_UNIT) / events }));
}
