import { Argument, type Command, Option } from 'commander';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import { backfill } from '../../pipeline/stripe/backfill.ts';
import { type RadarSetUp, radarAdvice, readRadar, setUpRadar } from '../../pipeline/stripe/set-up-radar.ts';
import { setUpWebhook } from '../../pipeline/stripe/set-up-webhook.ts';
import type { CliContext } from '../context.ts';
import { timeOption, withJson } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts } from '../output/table.ts';
import { count, inWords } from '../output/words.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';
import { registerStripeCases } from './stripe-cases.ts';

interface JsonOption {
  readonly json?: boolean;
}

/** `stripe …`: the Stripe account behind top-ups. */
export function registerStripe(program: Command, context: CliContext): void {
  const stripe = program.command('stripe').description('the Stripe account behind top-ups: set-up, events, cases');
  registerSetUp(stripe, context);
  registerBackfill(stripe, context);
  registerStatus(stripe, context);
  registerStripeCases(stripe, context);
}

function registerSetUp(stripe: Command, context: CliContext): void {
  const command = stripe
    .command('setup')
    .description('what Stripe must know of us, made once; repeating it changes nothing')
    .addArgument(
      new Argument('<what>', 'radar: the value list, and the rule to add; webhook: the endpoint').choices([
        'radar',
        'webhook',
      ]),
    )
    .option('--url <url>', 'for webhook: where Stripe reaches us');
  withJson(command, [
    'tollkeeper stripe setup radar',
    'tollkeeper stripe setup webhook --url https://billing.example.com/webhooks/stripe',
  ]).action(async (what: string, { json, url }: JsonOption & { readonly url?: string }) => {
    if (what === 'radar') return setUpRadarList(context, json);
    if (url === undefined) {
      throw new AppError('CLI_USAGE', 'The webhook endpoint needs an address.', {
        fix: 'Give --url https://billing.example.com/webhooks/stripe, where Stripe reaches you.',
      });
    }
    return setUpEndpoint(context, url, json);
  });
}

async function setUpRadarList(context: CliContext, json: boolean | undefined): Promise<void> {
  const rules = await rulesInForce(context);
  const result = await withBooks(context, (books) => setUpRadar(books.moneyIn(rules)));
  const { alias, id, isNew } = result.list;
  const list = id === null ? [] : [`The list ${alias} (${id}) ${isNew ? 'was made' : 'is there'}.`];
  print(context, json, { json: radarJson(result), text: [...list, radarAdvice(result)].join('\n') });
}

async function setUpEndpoint(context: CliContext, url: string, json: boolean | undefined): Promise<void> {
  const rules = await rulesInForce(context);
  const { endpoint, secret, missing } = await withBooks(context, (books) =>
    setUpWebhook(books.moneyIn(rules).stripe, url),
  );
  const lines =
    secret === null
      ? [`The endpoint ${endpoint.id} is there, of API version ${endpoint.apiVersion ?? 'the account'}.`]
      : [
          `The endpoint ${endpoint.id} was made. Put its secret where the service reads it; Stripe does not say it again:`,
          `  STRIPE_WEBHOOK_SECRET=${secret}`,
        ];
  if (missing.length > 0) lines.push(`It does not get ${missing.join(', ')}: add them in the Dashboard.`);
  print(context, json, { json: { ...endpoint, secret, missing }, text: lines.join('\n') });
}

function radarJson({ effect, list, rule, reviewed, unreviewed }: RadarSetUp) {
  return { effect, list: list.alias, listId: list.id, rule, reviewed, unreviewed };
}

function registerBackfill(stripe: Command, context: CliContext): void {
  const command = stripe
    .command('backfill')
    .description('fetch events that no webhook has brought; `start` does it by itself')
    .addOption(
      new Option('--from <time>', 'as far back as this; since the last time unless given').argParser(timeOption),
    )
    .option('--retry-kept', 'hand events that were kept to the queue again');
  withJson(command, ['tollkeeper stripe backfill', 'tollkeeper stripe backfill --from 2026-11-01']).action(
    async ({ json, from, retryKept }: JsonOption & { readonly from?: number; readonly retryKept?: boolean }) => {
      const rules = await rulesInForce(context);
      const result = await withBooks(context, async (books) => {
        const money = books.moneyIn(rules);
        const filled = await backfill(money, from);
        const kept = retryKept === true ? await money.store.events.requeue({ kept: true }, context.now()) : 0;
        return { ...filled, kept };
      });
      const cut = result.isCut ? ' Stripe keeps events for 30 days; reconcile what was before.' : '';
      print(context, json, {
        json: { ...result, sinceMs: undefined, since: timeField(result.sinceMs) },
        text: `${count(result.seen, 'event')} since ${formatIso(result.sinceMs)}, ${result.missed} of them new; ${result.requeued + result.kept} handed to the queue again.${cut}`,
      });
    },
  );
}

function registerStatus(stripe: Command, context: CliContext): void {
  const command = stripe.command('status').description('events, cases and Radar as they stand; asks Stripe nothing');
  withJson(command, ['tollkeeper stripe status', 'tollkeeper stripe status --json']).action(
    async ({ json }: JsonOption) => {
      const status = await withBooks(context, async ({ money }) => ({
        events: await money.events.counts(),
        cases: (await money.cases({ status: 'open', limit: 1_000 })).length,
        radar: await readRadar({ store: money }),
        through: await money.fact('events_through'),
      }));
      const key = context.config().stripeSecretKey;
      const mode = key === undefined ? 'off' : /^.k_live_/.test(key.reveal()) ? 'live' : 'test';
      const { events, cases, radar } = status;
      print(context, json, {
        json: { mode, events, openCases: cases, radar: radarJson(radar), eventsThrough: throughOf(status.through) },
        text: facts([
          ['Stripe', mode === 'off' ? 'off: STRIPE_SECRET_KEY is not set' : `${mode} mode`],
          ['Events', `${events.waiting} waiting, ${events.done} done, ${events.ignored} ignored, ${events.kept} kept`],
          ['Fetched through', throughOf(status.through) ?? 'never'],
          ['Open cases', String(cases)],
          ['Radar', `${inWords(radar.effect)} (${radar.reviewed} reviewed, ${radar.unreviewed} not)`],
        ]),
      });
    },
  );
}

function throughOf(fact: unknown): string | null {
  const isKnown =
    typeof fact === 'object' && fact !== null && 'throughMs' in fact && typeof fact.throughMs === 'number';
  return isKnown ? timeField(Number(fact.throughMs)) : null;
}
