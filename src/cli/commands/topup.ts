import { type Command, Option } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { TopUp } from '../../domain/topups/top-up.ts';
import { TOPUP_STATUSES } from '../../domain/topups/top-up-status.ts';
import { AppError } from '../../errors.ts';
import { decideReview } from '../../pipeline/stripe/decide-review.ts';
import { type PlannedCheckout, planCheckout } from '../../pipeline/stripe/plan-checkout.ts';
import { startCheckout } from '../../pipeline/stripe/start-checkout.ts';
import type { CliContext } from '../context.ts';
import { amount, type CommonOptions, type ListOptions, oneOf, withCommon, withList } from '../options.ts';
import { moneyFields } from '../output/json.ts';
import { print } from '../output/print.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';
import { registerTopUpAuto } from './topup-auto.ts';
import { topUpJson, topUpTable, topUpText } from './topup-view.ts';

/** `topup …`: money in by Stripe. */
export function registerTopUp(program: Command, context: CliContext): void {
  const topup = program
    .command('topup')
    .description('top-ups by Stripe: pages, automatic ones, and what became of them');
  registerCheckout(topup, context);
  registerTopUpAuto(topup, context);
  registerList(topup, context);
  registerShow(topup, context);
  registerDecide(topup, context, 'approve', 'capture money that waits for a person');
  registerDecide(topup, context, 'refuse', 'let authorised money go');
}

interface CheckoutOptions extends CommonOptions {
  readonly key?: string;
  readonly successUrl?: string;
  readonly cancelUrl?: string;
  readonly dryRun?: boolean;
}

function registerCheckout(topup: Command, context: CliContext): void {
  const command = topup
    .command('checkout')
    .description('a page of Stripe on which the customer pays; the card is saved for automatic top-ups')
    .argument('<account>', 'whose wallet')
    .argument('<amount>', 'such as 50 or "50.00 USD"')
    .option('--key <key>', 'idempotency key: the same page again')
    .option('--success-url <url>', 'where the page sends customers who have paid')
    .option('--cancel-url <url>', 'where it sends those who have not')
    .option('--dry-run', 'check the request and change nothing, here or at Stripe');
  withCommon(command, [
    'tollkeeper topup checkout acme "50.00 USD"',
    'tollkeeper topup checkout acme 50 --json',
    'tollkeeper topup checkout acme 50 --dry-run',
  ]).action(async (account: string, text: string, options: CheckoutOptions) => {
    const typed = amount(text);
    const rules = await rulesInForce(context);
    const topUp = await withBooks(context, async (books): Promise<TopUp | PlannedCheckout> => {
      const money = books.moneyIn(rules);
      const request = {
        tenant: options.tenant,
        account,
        currency: typed.currency ?? rules.pricing.currency,
        amountNanos: typed.nanos,
        successUrl: options.successUrl,
        cancelUrl: options.cancelUrl,
        key: options.key ?? context.newKey(),
        actor: context.actor,
      };
      return options.dryRun === true ? planCheckout(money, request) : startCheckout(money, request);
    });
    if ('isDryRun' in topUp) {
      printPlan(context, options.json, topUp);
      return;
    }
    const paid = `${cleanText(topUp.account)}: ${formatMoney(topUp.amountNanos, topUp.currency)} as ${topUp.topupId}.`;
    print(context, options.json, {
      json: topUpJson(topUp),
      text: `${paid}\nPay at ${topUp.url ?? 'nowhere any more'}`,
    });
  });
}

function printPlan(context: CliContext, json: boolean | undefined, plan: PlannedCheckout): void {
  const { tenant, account, currency, amountNanos, customer, isFlagged, known } = plan;
  const amountText = formatMoney(amountNanos, currency);
  const lines = [
    known === null
      ? `Dry run, nothing was changed: ${cleanText(account)} would get a page of Stripe to pay ${amountText} on.`
      : `Dry run, nothing was changed: the key is known; ${known} would be answered again.`,
    customer === null ? 'A customer would be made at Stripe.' : `The customer is ${customer}.`,
    ...(isFlagged ? ['The customer is before Radar: the payment would only be authorised.'] : []),
  ];
  print(context, json, {
    json: {
      dryRun: true,
      tenant,
      account,
      currency,
      ...moneyFields('amount', amountNanos),
      customer,
      flagged: isFlagged,
      topup: known,
    },
    text: lines.join('\n'),
  });
}

function registerList(topup: Command, context: CliContext): void {
  const command = topup.command('list').description('top-ups, the newest first');
  withCommon(withList(command, TOPUP_STATUSES), [
    'tollkeeper topup list --status in_review',
    'tollkeeper topup list --account acme --json',
  ]).action(async ({ json, tenant, account, status, limit }: ListOptions) => {
    const chosen = oneOf(TOPUP_STATUSES, status);
    const topUps = await withBooks(context, ({ money }) =>
      money.topUps.list({
        tenant,
        limit,
        ...(account === undefined ? {} : { account }),
        ...(chosen === undefined ? {} : { status: chosen }),
      }),
    );
    print(context, json, {
      json: { topups: topUps.map(topUpJson), limit },
      text: topUps.length === 0 ? 'No top-ups.' : topUpTable(topUps),
    });
    if (topUps.length === limit && json !== true) context.output.note(`Only the first ${limit}; --limit shows more.`);
  });
}

function registerShow(topup: Command, context: CliContext): void {
  const command = topup.command('show').description('one top-up').argument('<topup>', 'a top-up id (top_…)');
  withCommon(command, ['tollkeeper topup show top_8k2m4q6r0t3v5x7z']).action(
    async (id: string, { json, tenant }: CommonOptions) => {
      const topUp = await withBooks(context, ({ money }) => money.topUps.read(id));
      if (topUp?.tenant !== tenant) throw new AppError('TOPUP_NOT_FOUND', `There is no top-up ${JSON.stringify(id)}.`);
      print(context, json, { json: topUpJson(topUp), text: topUpText(topUp) });
    },
  );
}

interface DecideOptions extends CommonOptions {
  readonly reason: string;
}

function registerDecide(topup: Command, context: CliContext, verdict: 'approve' | 'refuse', about: string): void {
  const command = topup
    .command(verdict)
    .description(`${about}: a flagged customer's top-up that no Radar review decides`)
    .argument('<topup>', 'a top-up id (top_…)')
    .addOption(new Option('--reason <text>', 'kept with the case').makeOptionMandatory());
  withCommon(command, [`tollkeeper topup ${verdict} top_8k2m4q6r0t3v5x7z --reason "case 118"`]).action(
    async (id: string, { json, tenant, reason }: DecideOptions) => {
      const rules = await rulesInForce(context);
      const topUp = await withBooks(context, async (books) => {
        const known = await books.money.topUps.read(id);
        if (known?.tenant !== tenant)
          throw new AppError('TOPUP_NOT_FOUND', `There is no top-up ${JSON.stringify(id)}.`);
        return decideReview(books.moneyIn(rules), { topupId: id, verdict, by: context.actor, reason });
      });
      print(context, json, { json: topUpJson(topUp), text: topUpText(topUp) });
    },
  );
}
