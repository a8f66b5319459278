import { type Command, Option } from 'commander';
import { type CaseFile, clockState, RESOLUTIONS, type Resolution } from '../../domain/cases/case.ts';
import { cleanLabel, cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import type { CaseDetail, CaseFileStore } from '../../pipeline/cases/case-file-store.ts';
import { gatherCases, requireCase, resolveCase } from '../../pipeline/cases/cases.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon, withLimit } from '../options.ts';
import { timeField } from '../output/json.ts';
import { print } from '../output/print.ts';
import { facts, table } from '../output/table.ts';
import { inWords, time } from '../output/words.ts';
import { withBooks } from '../with-books.ts';

const EXAMPLE = 'cas_8k2m4q6r0t3v5x7z';
const CLOCK_WORDS = { in_time: 'in time', answer_late: 'nobody has taken it in time', late: 'late', done: '' } as const;

/** `case …` */
export function registerCase(program: Command, context: CliContext): void {
  const group = program
    .command('case')
    .description('what people work on: alerts and money of an account until somebody resolves them');
  registerList(group, context);
  registerShow(group, context);
  registerAssign(group, context);
  registerNote(group, context);
  registerResolve(group, context);
  registerReopen(group, context);
}

interface ListOptions extends CommonOptions {
  readonly state: 'open' | 'resolved' | 'all';
  readonly assignee?: string;
  readonly limit: number;
}

function registerList(group: Command, context: CliContext): void {
  const command = group
    .command('list')
    .description('cases, the newest first, and how they stand against their clock')
    .addOption(new Option('--state <state>', 'only these').choices(['open', 'resolved', 'all']).default('open'))
    .option('--assignee <name>', 'only those of one person');
  withCommon(withLimit(command), ['tollkeeper case list', 'tollkeeper case list --assignee ana --json']).action(
    async ({ json, tenant, state, assignee, limit }: ListOptions) => {
      const files = await withCases(context, (store) =>
        store.list({
          tenant,
          limit,
          ...(state === 'all' ? {} : { state }),
          ...(assignee === undefined ? {} : { assignee }),
        }),
      );
      const nowMs = context.now();
      print(context, json, {
        json: { cases: files.map((file) => fileJson(file, nowMs)), limit },
        text: files.length === 0 ? 'No cases.' : fileTable(files, nowMs),
      });
    },
  );
}

function registerShow(group: Command, context: CliContext): void {
  const command = group
    .command('show')
    .description('a case with what belongs to it and everything that was said and done')
    .argument('<case>', 'a case id (cas_…)');
  withCommon(command, [`tollkeeper case show ${EXAMPLE}`]).action(
    async (id: string, { json, tenant }: CommonOptions) => {
      const detail = await withCases(context, (store) => requireCase(store, tenant, id));
      print(context, json, { json: detailJson(detail, context.now()), text: detailText(detail, context.now()) });
    },
  );
}

function registerAssign(group: Command, context: CliContext): void {
  const command = group
    .command('assign')
    .description('say who looks after a case')
    .argument('<case>', 'a case id (cas_…)')
    .argument('[name]', 'who; nobody when left out');
  withCommon(command, [`tollkeeper case assign ${EXAMPLE} ana`]).action(
    async (caseId: string, name: string | undefined, { json, tenant }: CommonOptions) => {
      const assignee = name === undefined ? null : named(name);
      await change(context, { tenant, caseId, json }, (store, by) => store.assign({ ...by, assignee }));
    },
  );
}

function registerNote(group: Command, context: CliContext): void {
  const command = group
    .command('note')
    .description('add what was found or said')
    .argument('<case>', 'a case id (cas_…)')
    .argument('<text>', 'the note');
  withCommon(command, [`tollkeeper case note ${EXAMPLE} "called the customer: their key leaked"`]).action(
    async (caseId: string, given: string, { json, tenant }: CommonOptions) => {
      const text = cleanText(given).trim();
      if (text === '' || text.length > NOTE_MAX)
        throw new AppError('CLI_USAGE', `A note has 1 to ${NOTE_MAX} characters.`);
      await change(context, { tenant, caseId, json }, (store, by) => store.note({ ...by, text }));
    },
  );
}

const NOTE_MAX = 4_000;

interface ResolveOptions extends CommonOptions {
  readonly as: Resolution;
  readonly reason: string;
}

function registerResolve(group: Command, context: CliContext): void {
  const command = group
    .command('resolve')
    .description('end a case with what was found; its alerts are closed with the same verdict and rules learn from it')
    .argument('<case>', 'a case id (cas_…)')
    .addOption(new Option('--as <verdict>', 'what was found').choices(RESOLUTIONS).makeOptionMandatory())
    .addOption(new Option('--reason <text>', 'why').makeOptionMandatory());
  withCommon(command, [`tollkeeper case resolve ${EXAMPLE} --as benign --reason "load test, announced"`]).action(
    async (caseId: string, { json, tenant, as: resolution, reason }: ResolveOptions) => {
      const key = context.newKey();
      const by = { tenant, caseId, actor: context.actor, nowMs: context.now(), key };
      const detail = await withBooks(context, ({ caseFiles, admin, money }) =>
        resolveCase({ cases: caseFiles, admin, money }, { ...by, resolution, reason }),
      );
      print(context, json, { json: detailJson(detail, context.now()), text: detailText(detail, context.now()) });
    },
  );
}

function registerReopen(group: Command, context: CliContext): void {
  const command = group
    .command('reopen')
    .description('work on a resolved case again; what was closed with it stays closed')
    .argument('<case>', 'a case id (cas_…)')
    .addOption(new Option('--reason <text>', 'why').makeOptionMandatory());
  withCommon(command, [`tollkeeper case reopen ${EXAMPLE} --reason "the customer disputes it"`]).action(
    async (caseId: string, { json, tenant, reason }: CommonOptions & { readonly reason: string }) => {
      await change(context, { tenant, caseId, json }, (store, by) => store.reopen({ ...by, reason }));
    },
  );
}

async function change(
  context: CliContext,
  { tenant, caseId, json }: { readonly tenant: string; readonly caseId: string; readonly json: boolean | undefined },
  work: (store: CaseFileStore, by: Parameters<CaseFileStore['note']>[0]) => Promise<boolean>,
): Promise<void> {
  const by = { tenant, caseId, actor: context.actor, nowMs: context.now(), key: context.newKey(), text: '' };
  const detail = await withCases(context, async (store) => {
    const { file } = await requireCase(store, tenant, caseId);
    if (!(await work(store, by))) throw new AppError('CASE_STATE', `The case ${caseId} is ${file.state}.`);
    return requireCase(store, tenant, caseId);
  });
  print(context, json, { json: detailJson(detail, context.now()), text: detailText(detail, context.now()) });
}

/** Whatever came up is gathered first, so that nothing is missing where no service runs. */
function withCases<T>(context: CliContext, work: (store: CaseFileStore) => Promise<T>): Promise<T> {
  return withBooks(context, async ({ caseFiles }) => {
    while ((await gatherCases(caseFiles, () => context.now())) > 0);
    return work(caseFiles);
  });
}

function named(name: string): string {
  const clean = cleanText(name).trim();
  if (clean !== '' && clean.length <= 100 && clean === name.trim()) return clean;
  throw new AppError('CLI_USAGE', `${JSON.stringify(name)} is not a name of 1 to 100 characters.`);
}

/** A case as JSON, here and over HTTP. */
function fileJson(file: CaseFile, nowMs: number) {
  const { caseId, openedAtMs, answerByMs, dueAtMs, answeredAtMs, resolvedAtMs, ...rest } = file;
  return {
    case: caseId,
    ...rest,
    clock: clockState(file, nowMs),
    openedAt: timeField(openedAtMs),
    answerBy: timeField(answerByMs),
    dueAt: timeField(dueAtMs),
    answeredAt: answeredAtMs === null ? null : timeField(answeredAtMs),
    resolvedAt: resolvedAtMs === null ? null : timeField(resolvedAtMs),
  };
}

function detailJson({ file, items, events }: CaseDetail, nowMs: number) {
  return {
    ...fileJson(file, nowMs),
    items: items.map(({ addedAtMs, ...item }) => ({ ...item, addedAt: timeField(addedAtMs) })),
    events: events.map(({ atMs, ...event }) => ({ at: timeField(atMs), ...event })),
  };
}

function fileTable(files: readonly CaseFile[], nowMs: number): string {
  return table(
    [
      { head: 'CASE', cell: ({ caseId }) => caseId },
      { head: 'OPENED', cell: ({ openedAtMs }) => time(openedAtMs) },
      { head: 'ACCOUNT', cell: ({ account }) => account },
      { head: 'SEVERITY', cell: ({ severity }) => severity },
      { head: 'WHO', cell: ({ assignee }) => assignee ?? '–' },
      { head: 'STATE', cell: ({ state, resolution }) => (resolution === null ? state : inWords(resolution)) },
      { head: 'DUE', cell: ({ state, dueAtMs }) => (state === 'open' ? time(dueAtMs) : '') },
      { head: 'CLOCK', cell: (file) => CLOCK_WORDS[clockState(file, nowMs)] },
    ],
    files,
  );
}

function detailText({ file, items, events }: CaseDetail, nowMs: number): string {
  const { caseId, account, severity, assignee, state, resolution, resolvedBy, answerByMs, dueAtMs } = file;
  const clock = CLOCK_WORDS[clockState(file, nowMs)];
  return [
    facts([
      ['Case', `${caseId} · ${cleanLabel(account, 60)} · ${severity}`],
      ['Who', assignee === null ? 'nobody' : cleanLabel(assignee, 60)],
      ['State', resolution === null ? state : `${inWords(resolution)}, by ${cleanLabel(resolvedBy ?? '', 60)}`],
      ['Clock', state === 'open' ? `answer by ${time(answerByMs)}, resolve by ${time(dueAtMs)}: ${clock}` : undefined],
    ]),
    table(
      [
        { head: 'WHAT', cell: ({ kind }) => kind },
        { head: 'ID', cell: ({ ref }) => ref },
        { head: 'STATUS', cell: ({ status }) => inWords(status) },
        { head: 'TITLE', columnsMax: 100, cell: ({ title }) => title },
      ],
      items,
    ),
    table(
      [
        { head: 'WHEN', cell: ({ atMs }) => time(atMs) },
        { head: 'BY', cell: ({ actor }) => actor },
        { head: 'DID', cell: ({ action }) => action },
        { head: '', columnsMax: 200, cell: ({ detail }) => detail },
      ],
      events,
    ),
  ].join('\n\n');
}
