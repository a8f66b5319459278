import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { formatMoney } from '../../domain/money/nanos.ts';
import { causeWords } from '../../domain/review/words.ts';
import { DAY_MS } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';
import { evaluateCases, evaluateInjections } from '../../pipeline/review/evaluate.ts';
import { injectionCaseSchema } from '../../pipeline/review/injection-case.ts';
import { reviewJson, reviewWords } from '../../pipeline/review/review-words.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { moneyFields } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts } from '../output/table.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { withBooks } from '../with-books.ts';

/** `review …` */
export function registerReview(program: Command, context: CliContext): void {
  const review = program.command('review').description('what a language model says of alerts, within bounds');
  registerShow(review, context);
  registerStatus(review, context);
  registerEval(review, context);
}

function registerShow(review: Command, context: CliContext): void {
  const command = review
    .command('show')
    .description('the review of an alert, or why there is none')
    .argument('<id>', 'an alert id (alt_…)');
  withCommon(command, ['tollkeeper review show alt_8k2m4q6r0t3v5x7z']).action(
    async (id: string, { json, tenant }: CommonOptions) => {
      const found = await withBooks(context, ({ queries }) => queries.alert(tenant, id));
      if (found === undefined) throw new AppError('ALERT_NOT_FOUND', `There is no alert ${JSON.stringify(id)}.`);
      const words = reviewWords(found.review) ?? 'Nobody has asked a model about this alert.';
      const cost = found.review?.costNanos ?? null;
      print(context, json, {
        json: { alert: id, review: reviewJson(found.review) },
        text: facts([
          ['Review', words],
          ['Model', found.review?.model ?? undefined],
          ['Cost', cost === null ? undefined : formatMoney(cost, found.alert.currency)],
        ]),
      });
    },
  );
}

function registerStatus(review: Command, context: CliContext): void {
  const command = review.command('status').description("today's reviews: how many, why not more, and what they cost");
  withCommon(command, ['tollkeeper review status']).action(async ({ json, tenant }: CommonOptions) => {
    const { review: policy, pricing } = await rulesInForce(context);
    const since = Math.floor(context.now() / DAY_MS) * DAY_MS;
    const totals = await withBooks(context, ({ reviews }) => reviews.totals(tenant, since));
    const { currency } = pricing;
    const budget = policy?.budgetPerDayNanos ?? null;
    const causes = Object.entries(totals.causes).map(([cause, n]) => `${n} without: ${causeWords(cause)}`);
    print(context, json, {
      json: {
        enabled: policy !== null && policy !== undefined,
        model: policy?.price.model ?? null,
        reviewed: totals.reviewed,
        running: totals.running,
        waiting: totals.waiting,
        causes: totals.causes,
        ...moneyFields('spent', totals.countedNanos),
        ...moneyFields('budget', budget),
      },
      text: facts([
        ['Reviews', policy ? `by ${policy.price.model}` : 'off: ruleset.yaml has no review'],
        ['Today', `${totals.reviewed} reviewed, ${totals.running} being asked, ${totals.waiting} waiting`],
        ...causes.map((line): [string, string] => ['', line]),
        [
          'Spent',
          `${formatMoney(totals.countedNanos, currency)}${budget === null ? '' : ` of ${formatMoney(budget, currency)}`}`,
        ],
      ]),
    });
  });
}

interface EvalOptions extends CommonOptions {
  readonly limit: string;
  readonly injections?: string;
}

function registerEval(review: Command, context: CliContext): void {
  const command = review
    .command('eval')
    .description('verdicts against closed cases, or against hostile texts; asks the model, which costs money')
    .addOption(new Option('--limit <n>', 'cases at most, the newest first').default('100'))
    .option('--injections <file>', 'a file of hostile texts instead, such as fixtures/injection-corpus.ndjson');
  withCommon(command, [
    'tollkeeper review eval --limit 50',
    'tollkeeper review eval --injections fixtures/injection-corpus.ndjson --limit 1000',
  ]).action(async ({ json, tenant, limit: limitText, injections }: EvalOptions) => {
    const limit = readLimit(limitText);
    const { review: policy, bands, pricing } = await rulesInForce(context);
    if (policy === null || policy === undefined)
      throw new AppError('REVIEW_OFF', 'The ruleset in force has no review.');
    const model = context.reviewModel();
    if (model === undefined) throw new AppError('REVIEW_OFF', 'Neither OPENAI_API_KEY nor OPENAI_BASE_URL is set.');
    const judge = { model, policy, bands };
    if (injections !== undefined) {
      const report = await evaluateInjections(judge, (await readCases(injections)).slice(0, limit));
      if (report.bandCrossings > 0 || report.leaks > 0) context.setExitCode(1);
      print(context, json, {
        json: { ...report },
        text: facts([
          ['Hostile texts', String(report.cases)],
          ['Band crossings', String(report.bandCrossings)],
          ['Leaks', String(report.leaks)],
          ['Verdicts stood', String(report.reviewed)],
          ...Object.entries(report.causes).map(([cause, n]): [string, string] => ['', `${n}: ${causeWords(cause)}`]),
        ]),
      });
      return;
    }
    const cases = await withBooks(context, ({ reviews }) => reviews.closedCases(tenant, limit));
    const report = await evaluateCases(judge, cases);
    const { verdicts, costPerAlertNanos: cost } = report;
    const share = (value: number | null) => (value === null ? 'not known' : `${Math.round(value * 100)} %`);
    print(context, json, {
      json: {
        cases: report.cases,
        verdicts,
        precision: report.precision,
        recall: report.recall,
        ...moneyFields('costPerAlert', cost),
        causes: report.causes,
      },
      text: facts([
        ['Closed cases', String(report.cases)],
        [
          'Verdicts',
          `${verdicts.abuse} abuse, ${verdicts.benign} honest use, ${verdicts.unclear} unclear, ${verdicts.none} none`,
        ],
        ['Precision', share(report.precision)],
        ['Recall', share(report.recall)],
        ['Cost per alert', cost === null ? 'not known' : formatMoney(cost, pricing.currency)],
        ...Object.entries(report.causes).map(([cause, n]): [string, string] => ['', `${n}: ${causeWords(cause)}`]),
      ]),
    });
  });
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new AppError('CLI_USAGE', `--limit: ${JSON.stringify(text)} is not a whole number from 1 to 99999.`);
}

async function readCases(path: string) {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('FILE_UNREADABLE', `${path} cannot be read`, { cause });
  });
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [injectionCaseSchema.parse(JSON.parse(line))];
    } catch (cause) {
      throw new AppError('CASES_INVALID', `${path}:${index + 1} is not a case of the injection corpus`, { cause });
    }
  });
}
