import { type Command, Option } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanLabel } from '../../domain/text/clean.ts';
import type { HeldChange } from '../../pipeline/approvals/approval-store.ts';
import { approve, refuse } from '../../pipeline/approvals/four-eyes.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon, withLimit } from '../options.ts';
import { moneyFields, timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

const EXAMPLE = 'apr_8k2m4q6r0t3v5x7z';
const STATES = ['pending', 'approved', 'refused', 'done'] as const;

/** `approval …` */
export function registerApproval(program: Command, context: CliContext): void {
  const group = program.command('approval').description('freezes and thaws that a second person is to look at');
  registerList(group, context);
  registerApprove(group, context);
  registerRefuse(group, context);
}

interface ListOptions extends CommonOptions {
  readonly state: (typeof STATES)[number] | 'all';
  readonly limit: number;
}

function registerList(group: Command, context: CliContext): void {
  const command = group
    .command('list')
    .description('what was asked, the newest first')
    .addOption(new Option('--state <state>', 'only these').choices([...STATES, 'all']).default('pending'));
  withCommon(withLimit(command), ['tollkeeper approval list', 'tollkeeper approval list --state all --json']).action(
    async ({ json, tenant, state, limit }: ListOptions) => {
      const changes = await withBooks(context, ({ approvals }) =>
        approvals.list({ tenant, limit, ...(state === 'all' ? {} : { state }) }),
      );
      print(context, json, {
        json: { approvals: changes.map(changeJson), limit },
        text: changes.length === 0 ? 'Nothing waits for approval.' : changeTable(changes, context.now()),
      });
    },
  );
}

function registerApprove(group: Command, context: CliContext): void {
  const command = group
    .command('approve')
    .description('let it happen; not by who asked. Sent again it changes nothing')
    .argument('<approval>', 'an approval id (apr_…)');
  withCommon(command, [`tollkeeper approval approve ${EXAMPLE}`]).action(
    async (approvalId: string, { json, tenant }: CommonOptions) => {
      const { overdraftNanos } = await rulesInForce(context);
      const { change, result } = await withBooks(context, ({ admin, approvals }) =>
        approve(
          { admin, approvals },
          { tenant, approvalId, actor: context.actor, nowMs: context.now(), overdraftNanos },
        ),
      );
      const wallet = `${cleanLabel(change.account, 60)} (${change.wallet})`;
      print(context, json, {
        json: { ...changeJson(change), status: result.status, ...moneyFields('balance', result.balance) },
        text: `Approved: ${wallet} is ${result.status}, with a balance of ${formatMoney(result.balance, result.currency)}.`,
      });
    },
  );
}

function registerRefuse(group: Command, context: CliContext): void {
  const command = group
    .command('refuse')
    .description('let it not happen; who asked may take it back this way')
    .argument('<approval>', 'an approval id (apr_…)');
  withCommon(command, [`tollkeeper approval refuse ${EXAMPLE}`]).action(
    async (approvalId: string, { json, tenant }: CommonOptions) => {
      const change = await withBooks(context, ({ approvals }) =>
        refuse(approvals, { tenant, approvalId, actor: context.actor, nowMs: context.now() }),
      );
      print(context, json, { json: changeJson(change), text: `${approvalId} is refused; nothing has changed.` });
    },
  );
}

function changeJson(change: HeldChange) {
  const { approvalId, tenant, account, wallet, currency, operation, atStake, state, askedBy, decidedBy } = change;
  return {
    approval: approvalId,
    ...{ tenant, account, wallet, currency, state, operation },
    ...moneyFields('atStake', atStake),
    askedBy,
    askedAt: timeField(change.askedAtMs),
    expiresAt: timeField(change.expiresAtMs),
    decidedBy,
    decidedAt: timeField(change.decidedAtMs),
  };
}

function changeTable(changes: readonly HeldChange[], nowMs: number): string {
  return table(
    [
      { head: 'APPROVAL', cell: ({ approvalId }) => approvalId },
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'WHAT', cell: ({ operation }) => operationWords(operation) },
      { head: 'AT STAKE', cell: ({ atStake, currency }) => formatMoney(atStake, currency) },
      { head: 'ASKED BY', cell: ({ askedBy }) => askedBy },
      {
        head: 'STATE',
        cell: ({ state, expiresAtMs }) => (state === 'pending' && nowMs >= expiresAtMs ? 'expired' : state),
      },
      { head: 'UNTIL', cell: ({ state, expiresAtMs }) => (state === 'pending' ? time(expiresAtMs) : '') },
      { head: 'REASON', columnsMax: 80, cell: ({ operation }) => operation.reason ?? '' },
    ],
    changes,
  );
}

function operationWords(operation: HeldChange['operation']): string {
  if (operation.do === 'freeze') return `freeze for ${operation.hours} h`;
  return operation.only === undefined
    ? `thaw, ${operation.usage} usage`
    : `thaw, ${operation.usage} a part, ${operation.only.rest} the rest`;
}
