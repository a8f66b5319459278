import { type Command, Option } from 'commander';
import { parseEventKey } from '../../domain/events/event-key.ts';
import { formatMoney, parseMoney } from '../../domain/money/nanos.ts';
import { parseQuantity } from '../../domain/money/quantity.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { type CorrectTo, correctEvent } from '../../pipeline/admin/correct-event.ts';
import type { CorrectionOutcome } from '../../pipeline/admin/correction-results.ts';
import type { PostedUsage } from '../../pipeline/admin/correction-store.ts';
import { type EventReference, findPostedEvent } from '../../pipeline/admin/find-posted-event.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { moneyFields } from '../output/json.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { carryOut, releasedLines } from './carry-out.ts';
import { type ChangeOptions, changeJson, totalJson, withChange } from './change-view.ts';

interface CorrectOptions extends CommonOptions, ChangeOptions {
  readonly source?: string;
  readonly account?: string;
  readonly eventKey?: string;
  readonly quantity?: string;
  readonly amount?: string;
  readonly reason: string;
}

/** `events void ID` and `events amend ID` */
export function registerCorrections(events: Command, context: CliContext): void {
  const voiding = events.command('void').description('take back what a posted event was charged, for good');
  withCommon(withChange(withReference(voiding), 'required'), [
    'tollkeeper events void evt_1042 --source api-gateway --reason "billed by mistake, case 118"',
    'tollkeeper events void evt_1042 --reason "case 118" --dry-run',
  ]).action((id: string | undefined, options: CorrectOptions) =>
    correct(context, id, options, () => ({ kind: 'void' })),
  );

  const amending = withReference(
    events.command('amend').description('charge a posted event anew: another quantity, or another amount'),
  )
    .addOption(
      new Option('--quantity <number>', 'what it should have said; priced as of its own time').conflicts('amount'),
    )
    .option('--amount <money>', 'what it should have cost, for example "1.20 USD"');
  withCommon(withChange(amending, 'required'), [
    'tollkeeper events amend evt_1042 --source api-gateway --quantity 1200 --reason "counted twice, case 118"',
    'tollkeeper events amend evt_1042 --amount "0.40 USD" --reason "agreed with the customer"',
  ]).action((id: string | undefined, options: CorrectOptions) =>
    correct(context, id, options, (ruleset) => amendTo(options, ruleset)),
  );
}

function withReference(command: Command): Command {
  return command
    .argument('[id]', 'the event id its source gave it')
    .option('--source <name>', 'when several sources use the same id')
    .option('--account <name>', 'when several accounts do')
    .option('--event-key <uuid>', 'instead of the id: the key that `events show --json` prints');
}

async function correct(
  context: CliContext,
  id: string | undefined,
  options: CorrectOptions,
  to: (ruleset: Ruleset) => CorrectTo,
): Promise<void> {
  const reference = referenceOf(id, options);
  const ruleset = await rulesInForce(context);
  const wanted = to(ruleset);
  await carryOut(context, options, {
    work: async (books, request) => {
      const event = await findPostedEvent(books, reference);
      const correction = { ...request, event, to: wanted, ruleset, reason: options.reason };
      return { found: event, ...(await correctEvent(books.admin, correction)) };
    },
    answer: ({ found, ...result }, change) => ({
      json: { ...changeJson(result, change), ...correctionJson(result, found) },
      text: correctionText(result, found),
    }),
  });
}

const EVENT_KEY = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function referenceOf(id: string | undefined, options: CorrectOptions): EventReference {
  const { tenant, source, account, eventKey } = options;
  if ((id === undefined) === (eventKey === undefined)) {
    throw new AppError('CLI_USAGE', 'Name one event: by its id, or by --event-key.');
  }
  if (eventKey !== undefined) {
    if (EVENT_KEY.test(eventKey)) return { tenant, key: parseEventKey(eventKey.toLowerCase()) };
    throw new AppError('CLI_USAGE', `--event-key: ${JSON.stringify(eventKey)} is not a key.`, {
      fix: 'Copy the key from `tollkeeper events show ID --json`.',
    });
  }
  return {
    tenant,
    id: id ?? '',
    ...(source === undefined ? {} : { source }),
    ...(account === undefined ? {} : { account }),
  };
}

function amendTo({ quantity: text, amount }: CorrectOptions, { pricing }: Ruleset): CorrectTo {
  if (text !== undefined) {
    const quantity = parseQuantity(text);
    if (typeof quantity !== 'string') return { kind: 'quantity', quantity };
    throw new AppError('QUANTITY_INVALID', `--quantity: ${JSON.stringify(text)} is refused (${quantity}).`);
  }
  if (amount === undefined) throw new AppError('CLI_USAGE', 'Say what the event should be: --quantity or --amount.');
  const money = parseMoney(amount);
  if (money === undefined || money.nanos < 0n) {
    throw new AppError('AMOUNT_INVALID', `--amount: ${JSON.stringify(amount)} is not a charge.`, {
      fix: 'Write money as a decimal that is not negative, for example "1.20 USD".',
    });
  }
  if (money.currency !== undefined && money.currency !== pricing.currency) {
    throw new AppError(
      'AMOUNT_INVALID',
      `${amount} is in ${money.currency}; these books are kept in ${pricing.currency}.`,
      {
        fix: `Give the amount in ${pricing.currency}.`,
      },
    );
  }
  return { kind: 'amount', amount: money.nanos };
}

function correctionJson(result: CorrectionOutcome, { event }: PostedUsage) {
  return {
    event: result.event,
    id: event?.id ?? null,
    source: event?.source ?? null,
    meter: event?.meter ?? null,
    correction: result.correction,
    kind: result.kind,
    quantity: result.quantity,
    ...moneyFields('reversed', result.reversed),
    ...moneyFields('charged', result.charged),
    ...moneyFields('balanceBefore', result.balanceBefore),
    released: totalJson(result.released),
  };
}

function correctionText(result: CorrectionOutcome, { event }: PostedUsage): string {
  const money = (nanos: bigint) => formatMoney(nanos, result.currency);
  const name = cleanText(event?.id ?? result.event);
  const what =
    result.kind === 'void'
      ? `${name} is void: ${money(result.reversed)} credited back.`
      : `${name} is amended: ${money(result.reversed)} credited back, ${money(result.charged)} charged instead.`;
  return [
    what,
    `${cleanText(result.account)} (${result.wallet}): balance ${money(result.balanceBefore)} → ${money(result.balance)}.`,
    ...releasedLines(result.released, result.currency, { waitedFor: ' for credit' }),
  ].join('\n');
}
