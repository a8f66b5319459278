import { z } from 'zod';
import { JOB_EVENTS_MAX } from '../../domain/events/parse-job.ts';
import { readSentEvents } from '../../domain/events/sent-events.ts';
import { type LoadResult, loadRuleset, type Ruleset } from '../../domain/rules/ruleset.ts';
import { AppError } from '../../errors.ts';
import { buildReport } from '../../pipeline/backtest/build-report.ts';
import { Collector } from '../../pipeline/backtest/collector.ts';
import type { History } from '../../pipeline/backtest/history-event.ts';
import { Replay } from '../../pipeline/backtest/replay.ts';
import { runBacktest } from '../../pipeline/backtest/run-backtest.ts';
import type { BookRoutes } from '../books/tenant-books.ts';
import { principalOf } from '../server/authorize.ts';
import type { HttpApp } from '../server/http-app.ts';
import { BusyProblem } from '../server/problem.ts';
import { listHistory } from './list-history.ts';

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const FILES_MAX = 500;
const FILE_CHARACTERS_MAX = 256 * 1024;
/** Events of the books that a backtest over HTTP plays: what takes longer belongs to the command line. */
const STORED_EVENTS_MAX = 50_000;

const filesSchema = z
  .record(
    z.string().regex(/^(?:[\w-]{1,64}\/)?[\w-][\w.-]{0,99}\.ya?ml$/, 'Name files like leaked-key-burst.yaml.'),
    z.string().max(FILE_CHARACTERS_MAX),
  )
  .refine((files) => Object.keys(files).length <= FILES_MAX, `At most ${FILES_MAX} files.`)
  .describe('Text of each file by its name: ruleset.yaml, pricing.yaml and one file per rule.');
const findingSchema = z.object({
  code: z.string(),
  path: z.string(),
  line: z.number(),
  col: z.number(),
  message: z.string(),
  fix: z.string(),
});
const ruleSchema = z.object({ id: z.string(), mode: z.string() });
const checkSchema = z.object({
  ok: z.boolean(),
  ruleset: z.string().nullable(),
  rules: z.array(ruleSchema),
  errors: z.array(findingSchema),
  warnings: z.array(findingSchema),
});

/** Rules: those in force, whether others would load, and what they would have done. */
export function ruleRoutes(app: HttpApp, { books, ruleset, now }: BookRoutes): void {
  // Both keep the processor of the lanes busy: one at a time.
  let isTrying = false;
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    if (isTrying) throw new BusyProblem('OVERLOADED', 'Another check or backtest is under way.', 2);
    isTrying = true;
    try {
      return await work();
    } finally {
      isTrying = false;
    }
  }
  app.get(
    '/v1/rules',
    {
      config: { access: 'read' },
      schema: {
        tags: ['rules'],
        summary: 'The rules in force',
        response: { 200: z.object({ ruleset: z.string(), currency: z.string(), rules: z.array(ruleSchema) }) },
      },
    },
    async () => {
      const { hash, pricing, rules } = ruleset();
      return { ruleset: hash, currency: pricing.currency, rules: rules.map(({ id, mode }) => ({ id, mode })) };
    },
  );
  app.post(
    '/v1/rules/check',
    {
      bodyLimit: BODY_BYTES_MAX,
      config: { access: 'analyst' },
      schema: {
        tags: ['rules'],
        summary: 'Whether rule files load, and what is wrong with them',
        description: 'Their own tests are left to `tollkeeper rules test`: they would keep usage waiting.',
        body: z.strictObject({ files: filesSchema }),
        response: { 200: checkSchema },
      },
    },
    ({ body }) => alone(async () => checkView(load(body.files, { nowMs: now(), inForce: ruleset(), runTests: false }))),
  );
  app.post(
    '/v1/rules/backtest',
    {
      bodyLimit: BODY_BYTES_MAX,
      config: { access: 'analyst' },
      schema: {
        tags: ['rules'],
        summary: 'What rules would have done to usage',
        description: `Plays up to ${JOB_EVENTS_MAX} posted events, or up to ${STORED_EVENTS_MAX} of those in the books, to posted rules or to those in force. Nothing is stored. The answer is that of \`tollkeeper rules backtest --json\`.`,
        body: z.strictObject({
          files: filesSchema.optional().describe('Left out: the rules in force.'),
          events: z.array(z.unknown()).min(1).max(JOB_EVENTS_MAX).optional().describe('Left out: the books.'),
        }),
      },
    },
    (request, reply) =>
      alone(async () => {
        const { tenant } = principalOf(request);
        const { files, events } = request.body;
        const tried = files === undefined ? ruleset() : requireRuleset(load(files, { runTests: false }));
        const history =
          events === undefined
            ? await books(tenant).usage()
            : listHistory(readSentEvents(events, 'plain', { tenant, accounts: undefined }));
        return reply.send(await backtest(tried, history));
      }),
  );
}

type Files = Readonly<Record<string, string>>;

function load(files: Files, options: Parameters<typeof loadRuleset>[1]): LoadResult {
  const named = Object.entries(files).map(([path, text]) => ({ path, text }));
  return loadRuleset(named, options);
}

function checkView(result: LoadResult): z.infer<typeof checkSchema> {
  const findings = (list: LoadResult['warnings']) =>
    list.map(({ code, path, line, col, message, fix }) => ({ code, path, line, col, message, fix }));
  return {
    ok: result.ok,
    ruleset: result.ok ? result.ruleset.hash : null,
    rules: result.ok ? result.ruleset.rules.map(({ id, mode }) => ({ id, mode })) : [],
    errors: result.ok ? [] : findings(result.errors),
    warnings: findings(result.warnings),
  };
}

function requireRuleset(result: LoadResult): Ruleset {
  if (result.ok) return result.ruleset;
  const [first] = result.errors;
  const where = first === undefined ? '' : ` ${first.path}:${first.line}: ${first.message}`;
  throw new AppError('RULES_INVALID', `The rules do not load (${result.errors.length} errors).${where}`, {
    fix: 'Post them to /v1/rules/check, which lists every place.',
  });
}

async function backtest(ruleset: Ruleset, history: History) {
  const collector = new Collector({ ruleset, ledger: undefined, withSightings: true });
  const replay = new Replay(ruleset, collector.listener());
  let played = 0;
  const tally = await runBacktest(pausing(history), [replay], {
    progress: (events) => {
      played = events;
      collector.tick(replay);
    },
    isStopped: () => played >= STORED_EVENTS_MAX,
  });
  collector.tick(replay, true);
  if (tally.events === 0) throw new AppError('HISTORY_EMPTY', 'There are no events to play.');
  return buildReport({ ruleset, historyName: history.name, tally, replay, collector, labelled: undefined });
}

/** The same history in smaller blocks, with a turn of the event loop between them: usage and holds go on meanwhile. */
function pausing(history: History): History {
  return {
    ...history,
    async *blocks() {
      for await (const { events, unreadable } of history.blocks()) {
        let rest = unreadable;
        for (let from = 0; from < Math.max(events.length, 1); from += BLOCK_EVENTS) {
          yield { events: events.slice(from, from + BLOCK_EVENTS), unreadable: rest };
          rest = [];
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    },
  };
}

/** A few milliseconds of rules. */
const BLOCK_EVENTS = 250;
