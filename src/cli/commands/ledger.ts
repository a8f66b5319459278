import type { Command } from 'commander';
import { headHash } from '../../domain/ledger/chain/published-head.ts';
import { cleanText } from '../../domain/text/clean.ts';
import type { LedgerFinding, VerifySummary } from '../../pipeline/queries/ledger-finding.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon, withJson } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { createProgress } from '../output/progress.ts';
import { count } from '../output/words.ts';
import { withBooks } from '../with-books.ts';
import { readHeadFile } from './head-file.ts';

interface VerifyOptions extends CommonOptions {
  readonly account?: string;
  readonly head?: string;
  readonly quiet?: boolean;
}

/** Findings kept for `--json`; all are counted. */
const KEPT_MAX = 10_000;

/** `ledger …` */
export function registerLedger(program: Command, context: CliContext): void {
  const ledger = program.command('ledger').description('the books as a whole: check them, write their head down');
  registerVerify(ledger, context);
  registerHead(ledger, context);
}

function registerVerify(ledger: Command, context: CliContext): void {
  const command = ledger
    .command('verify')
    .description('go through everything stored and name what was changed, taken out or put in; exit 1 if anything was')
    .option('--account <name>', 'only what is about this account, and only its lanes')
    .option('--head <file>', 'a head published earlier: the ledger must begin with it')
    .option('--quiet', 'no progress');
  withCommon(command, [
    'tollkeeper ledger verify',
    'tollkeeper ledger verify --head head.json --json',
    'tollkeeper ledger verify --account acme',
  ]).action(async ({ json, tenant, account, head, quiet }: VerifyOptions) => {
    const heads = head === undefined ? undefined : (await readHeadFile(head)).lanes;
    const { result } = await context.readRules();
    const ruleset = result.ok ? result.ruleset : undefined;
    const kept: LedgerFinding[] = [];
    const startedAtMs = context.now();
    const summary = await withBooks(context, async ({ queries }) => {
      const silent = json === true || quiet === true;
      const total = silent ? undefined : await queries.ledgerSize();
      const progress = createProgress({ label: 'verifying', total, stream: process.stderr, silent, unit: 'rows' });
      try {
        return await queries.verify(ruleset, {
          tenant,
          ...(account === undefined ? {} : { account }),
          ...(heads === undefined ? {} : { heads }),
          onFinding: (found) => {
            if (kept.length < KEPT_MAX) kept.push(found);
            if (json !== true) context.output.data(findingText(found));
          },
          onProgress: (done) => progress.update(done),
        });
      } finally {
        progress.finish();
      }
    });
    const ok = summary.findings === 0;
    print(context, json, {
      json: { ok, ...summary, published: heads !== undefined, findingsKept: kept.length, details: kept },
      text: summaryText(summary, context.now() - startedAtMs, heads !== undefined),
    });
    if (!ok) context.setExitCode(1);
  });
}

function findingText(found: LedgerFinding): string {
  const { what, table, column, stored, expected } = found;
  const where = [
    found.lane === null ? '' : `lane ${found.lane}`,
    found.batch === null ? '' : `batch ${found.batch}`,
    found.account === null ? '' : `account ${found.account}`,
    found.sequence === null ? '' : `entry ${found.sequence}`,
    found.eventId === null ? '' : `event ${found.eventId}`,
    found.eventKey === null ? '' : `key ${found.eventKey}`,
  ].filter((part) => part !== '');
  const name = column === null ? table : `${table}.${column}`;
  const values =
    stored === null && expected === null ? '' : `: ${stored ?? 'nothing'}, expected ${expected ?? 'nothing'}`;
  return (
    cleanText(`✗ ${what} ${name}${what === 'changed' ? values : ''} (${where.join(', ')})`) +
    `\n    ${cleanText(found.why)}`
  );
}

function summaryText(summary: VerifySummary, elapsedMs: number, isPublished: boolean): string {
  const number = (value: number) => value.toLocaleString('en-US');
  const seen = `${count(summary.lanes, 'lane')}, ${number(summary.batches)} batches, ${number(summary.entries)} entries, ${count(summary.events, 'event')}, ${count(summary.wallets, 'wallet')} in ${(elapsedMs / 1_000).toFixed(1)} s`;
  const priced = `${number(summary.repriced)} of ${number(summary.batches)} batches priced again from their events${summary.withoutFacts === 0 ? '' : `; ${number(summary.withoutFacts)} have no stored events`}`;
  const verdict =
    summary.findings === 0
      ? '✓ Nothing was changed, taken out or put in.'
      : `✗ ${count(summary.findings, 'finding')}. Stop posting to the lanes named above, keep a copy of the database, and compare it with a backup.`;
  const limit = isPublished
    ? 'The ledger begins with the published head.'
    : 'Who can write to the database can also make a whole chain anew: publish `ledger head` and check with --head.';
  const away =
    summary.away === 0
      ? []
      : [
          `${number(summary.away)} entries were not looked at: archived, file not here. Their batches keep their links.`,
        ];
  return [seen, priced, ...away, verdict, limit].join('\n');
}

function registerHead(ledger: Command, context: CliContext): void {
  const command = ledger
    .command('head')
    .description('one hash over the whole ledger, to publish or to keep where the database is not');
  withJson(command, ['tollkeeper ledger head', 'tollkeeper ledger head --json > head.json']).action(
    async ({ json }: { readonly json?: boolean }) => {
      const lanes = await withBooks(context, ({ history }) => history.heads());
      const hash = headHash(lanes);
      const batches = lanes.reduce((sum, lane) => sum + Number(lane.split(':')[1] ?? 0), 0);
      print(context, json, {
        json: { head: 1, hash, lanes, batches, at: timeField(context.now()) },
        text: `${hash}\nover ${batches.toLocaleString('en-US')} batches in ${count(lanes.length, 'lane')}. Keep the file of --json beside it: statements are proven against it.`,
      });
    },
  );
}
