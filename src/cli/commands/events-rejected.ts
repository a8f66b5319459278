import { type Command, Option } from 'commander';
import { REJECTION_CODES } from '../../domain/events/status-words.ts';
import type { RejectedView } from '../../pipeline/queries/queries.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon, withLimit } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { type Column, table } from '../output/table.ts';
import { time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

interface RejectedOptions extends CommonOptions {
  readonly limit: number;
  readonly run?: string;
  readonly code?: string;
  readonly source?: string;
}

/** `events rejected` */
export function registerEventsRejected(events: Command, context: CliContext): void {
  const command = events
    .command('rejected')
    .description('what was refused, the newest first: events, lines of files and whole jobs, also those without an id')
    .option('--run <run>', 'only one run of ingest, in the order of its file; its summary names the run')
    .addOption(new Option('--code <code>', 'only with this code').choices(Object.keys(REJECTION_CODES)))
    .option('--source <name>', 'only from this source');
  withCommon(withLimit(command), [
    'tollkeeper events rejected --code JOB_NOT_JSON',
    'tollkeeper events rejected --limit 1000 --json',
  ]).action(async ({ json, tenant, limit, run, code, source }: RejectedOptions) => {
    const filter = {
      tenant,
      limit,
      ...(run === undefined ? {} : { run }),
      ...(code === undefined ? {} : { code }),
      ...(source === undefined ? {} : { source }),
    };
    const rejected = await withBooks(context, ({ queries }) => queries.rejected(filter));
    print(context, json, {
      json: { rejected: rejected.map(rejectedJson), limit },
      text: rejected.length === 0 ? 'No rejected events.' : table(COLUMNS, rejected),
    });
    if (rejected.length === limit && json !== true) context.output.note(`Only the first ${limit}; --limit shows more.`);
  });
}

function rejectedJson({ rejectedAtMs, ...rejected }: RejectedView) {
  return { ...rejected, rejectedAt: timeField(rejectedAtMs) };
}

const COLUMNS: readonly Column<RejectedView>[] = [
  { head: 'REJECTED', cell: ({ rejectedAtMs }) => time(rejectedAtMs) },
  { head: 'ID', columnsMax: 32, cell: ({ id }) => id ?? '–' },
  { head: 'SOURCE', columnsMax: 24, cell: ({ source }) => source ?? '–' },
  { head: 'CODE', cell: ({ code }) => code },
  { head: 'FIELD', columnsMax: 24, cell: ({ field }) => field },
  { head: 'VALUE', columnsMax: 32, cell: ({ value }) => value },
  { head: 'FIX', columnsMax: 90, cell: ({ fix }) => fix },
];
