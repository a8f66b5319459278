import { type Command, Option } from 'commander';
import { cleanLabel } from '../../domain/text/clean.ts';
import { DAY_MS, formatIso } from '../../domain/time.ts';
import { valueText } from '../../domain/usage-export/export-amount.ts';
import { hourOf } from '../../domain/usage-export/usage-change.ts';
import { AppError } from '../../errors.ts';
import { checkMeters, type MeterCheck, type MeterDifference } from '../../pipeline/usage-export/check-meters.ts';
import type { ExportTotals, StoredExport } from '../../pipeline/usage-export/export-store.ts';
import { type ExportRun, runExport, SETTLE_MS } from '../../pipeline/usage-export/run-export.ts';
import type { CliContext } from '../context.ts';
import { timeOption, withJson, withLimit } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

interface Json {
  readonly json?: boolean;
}

/** `usage-export …` */
export function registerUsageExport(program: Command, context: CliContext): void {
  const group = program.command('usage-export').description('usage told to meters at Stripe');
  registerStatus(group, context);
  registerRun(group, context);
  registerRejected(group, context);
  registerRetry(group, context);
  registerCheck(group, context);
}

function registerStatus(group: Command, context: CliContext): void {
  const command = group.command('status').description('what is exported, what waits, and what nobody could count');
  withJson(command, ['tollkeeper usage-export status']).action(async ({ json }: Json) => {
    const totals = await withBooks(context, (books) =>
      books.exporting().store.totals(hourOf(context.now() - SETTLE_MS)),
    );
    print(context, json, { json: totalsJson(totals), text: totalsText(totals) });
    if (needsSomebody(totals)) context.setExitCode(1);
  });
}

function registerRun(group: Command, context: CliContext): void {
  const command = group
    .command('run')
    .description('tell the meters now what the ledger holds; `start` does so every minute')
    .option('--open-hour', 'tell the hour that has not ended yet too, as far as it goes');
  withJson(command, ['tollkeeper usage-export run', 'tollkeeper usage-export run --open-hour --json']).action(
    async ({ json, openHour = false }: Json & { readonly openHour?: boolean }) => {
      const run = await withBooks(context, (books) => runExport(books.exporting(), openHour));
      print(context, json, { json: { ...run }, text: runText(run) });
      if (run.refused + run.waiting + run.blocked > 0) context.setExitCode(1);
    },
  );
}

function registerRejected(group: Command, context: CliContext): void {
  const command = group.command('rejected').description('usage events that did not arrive, and why; the newest first');
  withJson(withLimit(command), ['tollkeeper usage-export rejected']).action(
    async ({ json, limit }: Json & { readonly limit: number }) => {
      const events = await withBooks(context, (books) => books.exporting().store.failed(limit));
      print(context, json, {
        json: { events: events.map(eventJson), limit },
        text: events.length === 0 ? 'Every usage event arrived.' : eventTable(events),
      });
      if (events.length > 0) context.setExitCode(1);
    },
  );
}

function registerRetry(group: Command, context: CliContext): void {
  const command = group
    .command('retry')
    .description('send an event that did not arrive once more, under a new identifier; `run` or `start` sends it')
    .argument('<identifier>', 'the identifier of a rejected event (tk1-…)');
  withJson(command, [`tollkeeper usage-export retry tk1-${'0'.repeat(64)}`]).action(
    async (identifier: string, { json }: Json) => {
      const again = await withBooks(context, (books) => books.exporting().store.again(identifier, context.now()));
      if (again === undefined) {
        throw new AppError('USAGE_EVENT_NOT_FOUND', `No event ${JSON.stringify(identifier)} waits for a decision.`);
      }
      print(context, json, {
        json: eventJson(again),
        text: `${again.value} of ${cleanLabel(again.account, 48)} will be sent as ${again.identifier}.`,
      });
    },
  );
}

function registerCheck(group: Command, context: CliContext): void {
  const command = group
    .command('check')
    .description('compare what meters have counted with the ledger, hour by hour')
    .addOption(new Option('--from <time>', 'a day or a time in RFC 3339; default: a day before').argParser(timeOption))
    .addOption(new Option('--to <time>', 'compare up to here; default: now').argParser(timeOption));
  withJson(command, ['tollkeeper usage-export check --from 2026-03-01 --to 2026-03-02']).action(
    async ({ json, from, to }: Json & { readonly from?: number; readonly to?: number }) => {
      const toMs = Math.min(to ?? context.now(), context.now());
      const fromMs = hourOf(from ?? toMs - DAY_MS);
      if (fromMs >= toMs) throw new AppError('CLI_USAGE', '--from is not before --to, or both are in the future.');
      const check = await withBooks(context, (books) => checkMeters(books.exporting(), { fromMs, toMs }));
      print(context, json, { json: checkJson(check), text: checkText(check) });
      if (check.differences.length + check.unlooked > 0) context.setExitCode(1);
    },
  );
}

function needsSomebody({ byStatus, blocked, problems }: ExportTotals): boolean {
  const { refused = 0, rejected = 0, uncertain = 0 } = byStatus;
  return refused + rejected + uncertain + blocked.length + problems.length > 0;
}

function totalsJson({ meters, oldestDueMs, unlinked, blocked, ...rest }: ExportTotals) {
  return {
    ...rest,
    meters: meters.map(({ meter, sinceMs }) => ({ meter, since: timeField(sinceMs) })),
    oldestDue: oldestDueMs === null ? null : timeField(oldestDueMs),
    unlinked: unlinked.map(({ oldestMs, ...account }) => ({ ...account, oldest: timeField(oldestMs) })),
    blocked: blocked.map(({ oldestMs, ...cause }) => ({ ...cause, oldest: timeField(oldestMs) })),
  };
}

const BLOCKED_WORDS: Readonly<Record<string, string>> = {
  too_late: 'older than the 35 days Stripe takes: bill it otherwise',
  value_too_long: 'more than 15 digits: give the meter more units per value in STRIPE_METERS',
};

function totalsText(totals: ExportTotals): string {
  const { meters, byStatus, unconfirmed, due, oldestDueMs, unlinked, blocked, problems } = totals;
  const { pending = 0, taken = 0, refused = 0, rejected = 0, uncertain = 0 } = byStatus;
  return facts([
    ['Meters', meters.length === 0 ? 'none has been exported yet' : ''],
    ...meters.map(({ meter, sinceMs }): [string, string] => ['', `${meter} since ${time(sinceMs)}`]),
    ['Hours due', due === 0 ? '0' : `${due}, the oldest of ${oldestDueMs === null ? '–' : time(oldestDueMs)}`],
    ['Events', `${taken} taken (${unconfirmed} not confirmed yet), ${pending} waiting`],
    ['', `${refused} refused, ${rejected} rejected later, ${uncertain} uncertain`],
    ...blocked.map(({ cause, hours, oldestMs }): [string, string] => [
      'Blocked',
      `${hours} hours since ${time(oldestMs)}: ${BLOCKED_WORDS[cause] ?? cause}`,
    ]),
    ...unlinked.map(({ account, oldestMs }): [string, string] => [
      'No customer',
      `${cleanLabel(account, 48)} has usage since ${time(oldestMs)} and no customer at Stripe`,
    ]),
    ...problems.map(({ eventKey, problem }): [string, string] => ['Unreadable', `${eventKey}: ${problem}`]),
  ]);
}

function runText({ collected, planned, taken, refused, waiting, blocked }: ExportRun): string {
  return facts([
    ['Added up', `${collected} events of the ledger`],
    ['Planned', `${planned} hours`],
    ['Sent', `${taken} taken, ${refused} refused, ${waiting} waiting for an answer`],
    ['Blocked', blocked === 0 ? undefined : `${blocked} hours; \`usage-export status\` says why`],
  ]);
}

function eventJson(event: StoredExport) {
  const { identifier, tenant, account, meter, eventName, customer, value, status, attempts, code, message } = event;
  return {
    identifier,
    tenant,
    account,
    meter,
    eventName,
    customer,
    value,
    status,
    attempts,
    code,
    message,
    hour: timeField(event.hourMs),
    at: timeField(event.atMs),
    sentAt: event.sentAtMs === null ? null : timeField(event.sentAtMs),
  };
}

function eventTable(events: readonly StoredExport[]): string {
  return table(
    [
      { head: 'IDENTIFIER', columnsMax: 68, cell: ({ identifier }) => identifier },
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'METER', cell: ({ meter }) => meter },
      { head: 'HOUR', cell: ({ hourMs }) => formatIso(hourMs).slice(0, 13) },
      { head: 'VALUE', align: 'right', cell: ({ value }) => value },
      { head: 'STATUS', cell: ({ status }) => status },
      { head: 'WHY', columnsMax: 80, cell: ({ code, message }) => [code, message].filter(Boolean).join(': ') },
    ],
    events,
  );
}

function checkJson({ differences, ...rest }: MeterCheck) {
  return { ...rest, differences: differences.map(differenceJson) };
}

function differenceJson({ hourMs, counted, ledger, decimals, ...rest }: MeterDifference) {
  return { ...rest, hour: timeField(hourMs), counted: steps(counted, decimals), ledger: steps(ledger, decimals) };
}

function steps(value: bigint, decimals: number): string {
  return valueText(value, { unitsPerValue: 1n, decimals }) ?? `${value}e-${decimals}`;
}

const CAUSE_WORDS: Readonly<Record<MeterDifference['cause'], string>> = {
  not_sent: 'not sent yet: the next run sends it, once the account has a customer',
  sent_unacknowledged: 'sent without an answer: the next run sends it again, or looks whether it arrived',
  rejected: 'Stripe did not take it: `usage-export rejected` says why',
  late: 'older than Stripe takes',
  duplicate: 'counted more often than it was sent',
  rounding: 'one step of rounding',
  unexplained: 'nothing we know explains it: does anybody else write to this meter?',
};

function checkText({ hours, confirmed, settling, differences, unlooked }: MeterCheck): string {
  const lines = [
    `${hours} hours of customers' meters: ${confirmed} agree, ${differences.length} differ, ${settling} may still change${unlooked === 0 ? '' : `, ${unlooked} could not be looked at`}.`,
  ];
  if (differences.length === 0) return lines.join('\n');
  const rows = table(
    [
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'METER', cell: ({ meter }) => meter },
      { head: 'HOUR', cell: ({ hourMs }) => formatIso(hourMs).slice(0, 13) },
      { head: 'COUNTED', align: 'right', cell: ({ counted, decimals }) => steps(counted, decimals) },
      { head: 'LEDGER', align: 'right', cell: ({ ledger, decimals }) => steps(ledger, decimals) },
      { head: 'CAUSE', columnsMax: 100, cell: ({ cause }) => `${cause}: ${CAUSE_WORDS[cause]}` },
    ],
    differences,
  );
  return [...lines, rows].join('\n');
}
