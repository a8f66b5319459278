import type pg from 'pg';
import { Gauge, Registry } from 'prom-client';

/** One figure of the books: its name, what it means, and how it is read. */
interface Figure {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Rows of `value` and the labels. */
  readonly sql: string;
}

const FIGURES: readonly Figure[] = [
  {
    name: 'tollkeeper_wallets',
    help: 'Wallets by status: active, frozen or thawing.',
    labels: ['status'],
    sql: 'select status, count(*)::float8 as value from wallet group by status',
  },
  {
    name: 'tollkeeper_outbox_waiting',
    help: 'Messages that are written and not yet handed to their queue.',
    sql: 'select count(*)::float8 as value from outbox where sent_at is null',
  },
  {
    name: 'tollkeeper_alerts_day',
    help: 'Alerts raised in the last 24 hours; compare it with the budget of the ruleset.',
    sql: `select count(*)::float8 as value from alert where raised_at > now() - interval '24 hours'`,
  },
  {
    name: 'tollkeeper_money_cases_open',
    help: 'Cases about money that wait for a person, by kind.',
    labels: ['kind'],
    sql: `select kind, count(*)::float8 as value from money_case where status = 'open' group by kind`,
  },
  {
    name: 'tollkeeper_stripe_events_waiting',
    help: 'Events of Stripe that are stored and not yet worked on.',
    sql: `select count(*)::float8 as value from stripe_event where status = 'waiting'`,
  },
  {
    name: 'tollkeeper_reconcile_drift_left',
    help: 'What Stripe and the ledger differed by when the last reconciliation ended, in units of the currency.',
    labels: ['currency'],
    sql: `with last as (select report from reconcile_run where status = 'done' and not is_dry order by finished_at desc limit 1)
      select c ->> 'currency' as currency, (c ->> 'leftNanos')::float8 / 1e9 as value
      from last, json_array_elements(report -> 'currencies') c`,
  },
  {
    name: 'tollkeeper_reconcile_age_seconds',
    help: 'Seconds since the last reconciliation ended.',
    sql: `select extract(epoch from now() - max(finished_at))::float8 as value from reconcile_run where status = 'done' and not is_dry
      having max(finished_at) is not null`,
  },
  {
    name: 'tollkeeper_stripe_fee_per_movement',
    help: 'What Stripe took for each movement of money in the last 30 reconciled days, in its smallest units.',
    labels: ['currency'],
    sql: `select currency, sum(fee)::float8 / nullif(sum(transactions), 0)::float8 as value from stripe_fee_day
      where day > current_date - 30 group by currency having sum(transactions) > 0`,
  },
];

/** Names and meanings of all figures, for their page of docs. */
export const METRICS: readonly Pick<Figure, 'name' | 'help' | 'labels'>[] = FIGURES;

/** How long figures are used again: however often somebody asks, the database is asked four times a minute. */
const FRESH_MS = 15_000;

/** Figures of the books as text for Prometheus. What cannot be read is thrown: no figure is better than an old one. */
export function createMetrics(pool: pg.Pool, now: () => number) {
  const registry = new Registry();
  const gauges = FIGURES.map((figure) => ({
    figure,
    gauge: new Gauge({
      name: figure.name,
      help: figure.help,
      labelNames: [...(figure.labels ?? [])],
      registers: [registry],
    }),
  }));
  let readAtMs = Number.NEGATIVE_INFINITY;
  return {
    contentType: registry.contentType,
    async read() {
      if (now() - readAtMs >= FRESH_MS) {
        for (const { figure, gauge } of gauges) {
          const { rows } = await pool.query<Readonly<Record<string, string | number>>>(figure.sql);
          // What has gone since the last time must not be told again.
          gauge.reset();
          // Without labels a reset leaves zero, which would be a figure nobody has read.
          if (rows.length === 0 && figure.labels === undefined) gauge.remove();
          for (const row of rows) gauge.set(labelsOf(figure, row), Number(row.value));
        }
        readAtMs = now();
      }
      return registry.metrics();
    },
  };
}

function labelsOf({ labels = [] }: Figure, row: Readonly<Record<string, string | number>>) {
  return Object.fromEntries(labels.map((label) => [label, String(row[label])]));
}
