import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../domain/rules/units.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { DAY_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import type { RadarListing } from '../../pipeline/stripe/money-store.ts';
import {
  carryOutListing,
  putBeforeRadar,
  radarOutcome,
  radarWords,
  takeOffRadar,
} from '../../pipeline/stripe/radar.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { table } from '../output/table.ts';
import { inWords, time } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

interface PutOptions extends CommonOptions {
  readonly for: number;
  readonly reason: string;
}

/** `radar …` */
export function registerRadar(program: Command, context: CliContext): void {
  const radar = program.command('radar').description('customers before Stripe Radar: put, take off, list');
  const put = radar
    .command('put')
    .description('authorise top-ups of an account only, until somebody has looked at them')
    .argument('<account>', 'an account that has paid by Stripe')
    .addOption(new Option('--for <duration>', 'such as 7d').default(7 * DAY_MS, '7d').argParser(duration))
    .addOption(new Option('--reason <text>', 'why').makeOptionMandatory());
  withCommon(put, ['tollkeeper radar put acme --for 7d --reason "leaked key, case 118"']).action(
    async (account: string, { json, tenant, for: forMs, reason }: PutOptions) => {
      const rules = await rulesInForce(context);
      const listing = await withBooks(context, async (books) => {
        const money = books.moneyIn(rules);
        const request = {
          tenant,
          account,
          reason,
          decisionId: null,
          by: context.actor,
          untilMs: context.now() + forMs,
        };
        const wanted = await putBeforeRadar(money, request);
        return wanted === undefined ? undefined : carryOutListing(money, wanted.customer);
      });
      const outcome = radarOutcome(listing);
      const until = listing === undefined ? null : listing.untilMs;
      print(context, json, {
        json: { account, outcome, until: timeField(until), customer: listing?.customer ?? null },
        text: `${radarWords(outcome)}${until === null ? '' : ` Ends ${time(until)}.`}`,
      });
    },
  );
  const remove = radar
    .command('remove')
    .description('take an account off before its date')
    .argument('<account>', 'an account before Radar')
    .addOption(new Option('--reason <text>', 'why').makeOptionMandatory());
  withCommon(remove, ['tollkeeper radar remove acme --reason "was a load test"']).action(
    async (account: string, { json, tenant, reason }: CommonOptions & { readonly reason: string }) => {
      const rules = await rulesInForce(context);
      await withBooks(context, async (books) => {
        const money = books.moneyIn(rules);
        const isOff = await takeOffRadar(money, { tenant, account, because: reason });
        if (!isOff)
          throw new AppError('ACCOUNT_NOT_FOUND', `${account} is not before Radar.`, {
            fix: 'List who is: `tollkeeper radar list`.',
          });
        const customer = await money.store.customers.ofAccount(tenant, account);
        if (customer !== undefined) await carryOutListing(money, customer.customer);
      });
      print(context, json, { json: { account, outcome: 'ended' }, text: radarWords('ended') });
    },
  );
  const list = radar.command('list').description('who is before Radar, and what Stripe took of it');
  withCommon(list, ['tollkeeper radar list']).action(async ({ json, tenant }: CommonOptions) => {
    const found = await withBooks(context, ({ money }) => money.radar.list({ limit: 500 }));
    const listings = found.filter((listing) => listing.tenant === tenant);
    print(context, json, {
      json: { customers: listings.map(listingJson) },
      text: listings.length === 0 ? 'Nobody is before Radar.' : listingTable(listings),
    });
  });
}

function duration(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok && parsed.value > 0) return parsed.value;
  throw new InvalidArgumentError('Give a duration such as 24h or 7d.');
}

function listingJson(listing: RadarListing) {
  return {
    account: listing.account,
    customer: listing.customer,
    outcome: radarOutcome(listing),
    reason: listing.reason,
    decision: listing.decisionId,
    by: listing.by,
    putAt: timeField(listing.putAtMs),
    until: timeField(listing.untilMs),
    endedBecause: listing.endedBecause,
  };
}

function listingTable(listings: readonly RadarListing[]): string {
  return table(
    [
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'CUSTOMER', cell: ({ customer }) => customer },
      { head: 'STATE', cell: (listing) => inWords(radarOutcome(listing)) },
      { head: 'UNTIL', cell: ({ untilMs }) => time(untilMs) },
      { head: 'WHY', cell: ({ endedBecause, reason }) => cleanText(endedBecause ?? reason) },
    ],
    listings,
  );
}
