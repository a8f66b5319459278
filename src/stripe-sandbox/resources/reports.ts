import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { invalidRequest, noSuch } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';

const RUNS = '/v1/reporting/report_runs';
const TYPES = '/v1/reporting/report_types';
const TYPE = 'balance_change_from_activity.itemized.3';
const COLUMNS = [
  'balance_transaction_id',
  'created_utc',
  'available_on_utc',
  'currency',
  'gross',
  'fee',
  'net',
  'reporting_category',
  'source_id',
  'description',
];
const FILE_DAYS = 365;

export function reportRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'GET',
      path: TYPES,
      params: ['expand'],
      handle: () => ({ object: 'list', data: [reportType(world)], has_more: false, url: TYPES }),
    },
    {
      method: 'GET',
      path: `${TYPES}/{id}`,
      params: ['expand'],
      handle: ({ id }) => {
        if (id !== TYPE) throw noSuch('reporting report type', id);
        return reportType(world);
      },
    },
    {
      method: 'POST',
      path: RUNS,
      params: ['report_type', 'parameters', 'expand'],
      handle: ({ params, origin }) => startRun(world, params, origin),
    },
    {
      method: 'GET',
      path: RUNS,
      params: [...PAGE_PARAMS, 'created'],
      handle: ({ params }) => world.reportRuns.page(RUNS, params),
    },
    { method: 'GET', path: `${RUNS}/{id}`, params: ['expand'], handle: ({ id }) => world.reportRuns.get(id) },
  ];
}

function reportType(world: World): Stripe.Reporting.ReportType {
  const now = world.now();
  return {
    id: TYPE,
    object: 'reporting.report_type',
    data_available_end: now - (now % 86_400),
    data_available_start: 0,
    default_columns: COLUMNS,
    livemode: false,
    name: 'Itemized balance change from activity',
    updated: now,
    version: 3,
  };
}

function startRun(world: World, params: Params, origin: string): Stripe.Reporting.ReportRun {
  const type = params.required('report_type');
  if (type !== TYPE) throw invalidRequest(`The sandbox has the report ${TYPE} only.`, { param: 'report_type' });
  const given = params.hash('parameters');
  given?.refuseUnknown(['interval_start', 'interval_end', 'columns', 'currency', 'timezone']);
  const [start, end] = [given?.integer('interval_start'), given?.integer('interval_end')];
  if (start === undefined || end === undefined || end <= start) {
    throw invalidRequest('Give `interval_start` and a later `interval_end`.', { param: 'parameters' });
  }
  const columns = [...(given?.texts('columns') ?? [])];
  const unknown = columns.find((name) => !COLUMNS.includes(name));
  if (unknown !== undefined) throw invalidRequest(`Unknown column: ${unknown}`, { param: 'parameters[columns]' });
  const run = world.reportRuns.add({
    id: world.ids.next('frr'),
    object: 'reporting.report_run',
    created: world.now(),
    error: null,
    livemode: false,
    parameters: { interval_start: start, interval_end: end, ...(columns.length === 0 ? {} : { columns }) },
    report_type: type,
    result: null,
    status: 'pending',
    succeeded_at: null,
  } satisfies Stripe.Reporting.ReportRun as Stripe.Reporting.ReportRun);
  world.pendingReports.set(run.id, origin);
  return run;
}

/** Writes the reports that were asked for; runs with the clock, so a report is never there at once. */
export function finishReports(world: World): void {
  for (const [id, origin] of world.pendingReports) {
    const run = world.reportRuns.get(id);
    const text = csv(world, run.parameters);
    const file = world.ids.next('file');
    world.files.set(file, text);
    run.status = 'succeeded';
    run.succeeded_at = world.now();
    run.result = {
      id: file,
      object: 'file',
      created: world.now(),
      expires_at: world.now() + FILE_DAYS * 86_400,
      filename: `${id}.csv`,
      links: { object: 'list', data: [], has_more: false, url: `/v1/file_links?file=${file}` },
      purpose: 'finance_report_run',
      size: Buffer.byteLength(text),
      title: null,
      type: 'csv',
      url: `${origin}/v1/files/${file}/contents`,
    };
    world.emit('reporting.report_run.succeeded', run);
  }
  world.pendingReports.clear();
}

function csv(
  world: World,
  { interval_start: start = 0, interval_end: end = 0, columns }: Stripe.Reporting.ReportRun.Parameters,
): string {
  const names = columns ?? COLUMNS;
  const rows = world.balanceTransactions.all().filter(({ created }) => created >= start && created < end);
  const lines = rows.map((row) => {
    const values: Readonly<Record<string, string>> = {
      balance_transaction_id: row.id,
      created_utc: utc(row.created),
      available_on_utc: utc(row.available_on),
      currency: row.currency,
      gross: decimal(row.amount),
      fee: decimal(row.fee),
      net: decimal(row.net),
      reporting_category: row.reporting_category,
      source_id: idOf(row.source) ?? '',
      description: `"${(row.description ?? '').replaceAll('"', '""')}"`,
    };
    return names.map((name) => values[name] ?? '').join(',');
  });
  return [names.join(','), ...lines, ''].join('\n');
}

function utc(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ');
}

/** Minor units as Stripe's reports write them; the sandbox's reports are for currencies with two decimals. */
function decimal(amount: number): string {
  const digits = Math.abs(amount).toString().padStart(3, '0');
  return `${amount < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
