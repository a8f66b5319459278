import type { Command } from 'commander';
import { formatExactMoney } from '../../domain/money/nanos.ts';
import { cleanLabel, cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { EventCorrection, FoundEvent, Occurrence } from '../../pipeline/queries/found-event.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts } from '../output/table.ts';
import { inWords, time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { registerCorrections } from './events-correct.ts';
import { registerEventsRejected } from './events-rejected.ts';

interface ShowOptions extends CommonOptions {
  readonly source?: string;
  readonly account?: string;
}

/** Of what was sent, the terminal shows so much; --json has all of it. */
const RAW_COLUMNS_MAX = 600;

/** `events …` */
export function registerEvents(program: Command, context: CliContext): void {
  const events = program.command('events').description('what became of single usage events, and corrections of them');
  const command = events
    .command('show')
    .description('the status of an event, every time it was seen')
    .argument('<id>', 'the event id its source gave it')
    .option('--source <name>', 'when several sources use the same id')
    .option('--account <name>', 'when several accounts do');
  withCommon(command, [
    'tollkeeper events show evt_1042',
    'tollkeeper events show evt_1042 --source api-gateway --json',
  ]).action(async (id: string, { json, tenant, source, account }: ShowOptions) => {
    const filter = {
      tenant,
      ...(source === undefined ? {} : { source }),
      ...(account === undefined ? {} : { account }),
    };
    const found = await withBooks(context, ({ queries }) => queries.findEvent(id, filter));
    if (found === undefined) throw new AppError('EVENT_NOT_FOUND', `There is no event ${JSON.stringify(id)}.`);
    print(context, json, { json: eventJson(found), text: eventText(found) });
  });
  registerEventsRejected(events, context);
  registerCorrections(events, context);
}

function eventJson(found: FoundEvent) {
  return { id: found.id, status: found.status, occurrences: found.occurrences.map(occurrenceJson) };
}

function occurrenceJson(seen: Occurrence) {
  const { quarantine, entry } = seen;
  return {
    key: seen.key,
    status: seen.status,
    code: seen.code,
    field: seen.field,
    value: seen.value,
    fix: seen.fix,
    raw: seen.raw,
    tenant: seen.tenant,
    source: seen.source,
    account: seen.account,
    wallet: seen.wallet,
    meter: seen.meter,
    quantity: seen.quantity,
    currency: seen.currency,
    ...moneyFields('amount', seen.amount),
    occurredAt: timeField(seen.occurredAtMs),
    ingestedAt: timeField(seen.ingestedAtMs),
    rejectedAt: timeField(seen.rejectedAtMs),
    lane: seen.batch?.lane ?? null,
    batch: seen.batch?.batchNo ?? null,
    quarantine:
      quarantine === null
        ? null
        : {
            reason: quarantine.reason,
            status: quarantine.status,
            closedAt: timeField(quarantine.closedAtMs),
            closedBy: quarantine.closedBy,
            closedReason: quarantine.closedReason,
            decision: quarantine.decisionId,
          },
    entry:
      entry === null
        ? null
        : {
            kind: entry.kind,
            sequence: entry.sequence.toString(),
            ...moneyFields('balanceAfter', entry.balanceAfter),
            lane: entry.batch.lane,
            batch: entry.batch.batchNo,
            postedAt: timeField(entry.postedAtMs),
          },
    corrections: seen.corrections.map((correction) => ({
      kind: correction.kind,
      ...moneyFields('reversed', correction.reversed),
      ...moneyFields('charged', correction.charged),
      quantity: correction.quantity,
      lane: correction.batch.lane,
      batch: correction.batch.batchNo,
      at: timeField(correction.correctedAtMs),
      by: correction.by,
      reason: correction.reason,
    })),
  };
}

function eventText({ id, status, occurrences }: FoundEvent): string {
  const times = occurrences.length === 1 ? '' : `, seen ${occurrences.length} times`;
  return [`${cleanText(id)}: ${status}${times}`, ...occurrences.map(occurrenceText)].join('\n\n');
}

function occurrenceText(seen: Occurrence): string {
  // One event costs a fraction of a cent: rounded, a charge and the balance after it would both read as nothing.
  const money = (nanos: bigint) => formatExactMoney(nanos, seen.currency ?? '');
  const { quarantine, entry, batch } = seen;
  const clean = (text: string | null) => (text === null ? undefined : cleanText(text));
  return facts([
    ['Status', statusText(seen)],
    ['Field', clean(seen.field)],
    ['Value', clean(seen.value)],
    ['Fix', clean(seen.fix)],
    ['As sent', seen.raw === null ? undefined : cleanLabel(seen.raw, RAW_COLUMNS_MAX)],
    ['Account', clean(seen.account)],
    ['Wallet', seen.wallet ?? undefined],
    ['Source', clean(seen.source)],
    ['Usage', seen.meter === null ? undefined : `${cleanText(seen.quantity ?? '?')} ${cleanText(seen.meter)}`],
    ['Amount', seen.amount === null ? unpriced(seen) : money(seen.amount)],
    ['Occurred', seen.occurredAtMs === null ? undefined : time(seen.occurredAtMs)],
    ['Received', seen.ingestedAtMs === null ? undefined : time(seen.ingestedAtMs)],
    ['Rejected', seen.rejectedAtMs === null ? undefined : time(seen.rejectedAtMs)],
    ['Batch', batch === null ? undefined : `lane ${batch.lane}, number ${batch.batchNo}`],
    [
      'Quarantine',
      quarantine === null
        ? undefined
        : quarantine.status === 'open'
          ? `open: ${inWords(quarantine.reason)}`
          : `${CLOSED[quarantine.status]} ${time(quarantine.closedAtMs)} by ${cleanText(quarantine.closedBy ?? '?')}${quarantine.closedReason === null ? '' : `: ${quarantine.closedReason}`}`,
    ],
    ['Decision', quarantine?.decisionId ?? undefined],
    ['Entry', entry === null ? undefined : `number ${entry.sequence}, balance after it ${money(entry.balanceAfter)}`],
    ...seen.corrections.map((correction) => ['Corrected', correctionText(correction, money)] as const),
  ]);
}

const CLOSED = { posted: 'posted', void: 'voided', duplicate: 'closed as a duplicate' } as const;

function correctionText(correction: EventCorrection, money: (nanos: bigint) => string): string {
  const { kind, reversed, charged, quantity, correctedAtMs, by, reason } = correction;
  const to = quantity === null ? money(charged) : `${cleanText(quantity)} for ${money(charged)}`;
  const what = kind === 'void' ? `void, ${money(reversed)} credited back` : `${money(reversed)} → ${to}`;
  return `${what}, ${time(correctedAtMs)} by ${cleanText(by)}: ${cleanText(reason)}`;
}

/** A duplicate is not priced again, and what was refused was never understood: neither is usage without a price. */
function unpriced({ status }: Occurrence): string | undefined {
  return status === 'posted' || status === 'quarantined' ? 'no price' : undefined;
}

function statusText({ status, code, quarantine, corrections }: Occurrence): string {
  if (status === 'duplicate') return 'duplicate: known already, nothing was charged';
  if (status === 'quarantined') return `quarantined, ${inWords(code ?? '')}: recorded, not charged`;
  if (status === 'rejected') return `rejected: ${code}`;
  const last = corrections.at(-1);
  if (last !== undefined) return last.kind === 'void' ? 'posted, and void since' : 'posted, and amended since';
  return quarantine === null ? 'posted' : 'posted, after quarantine';
}
