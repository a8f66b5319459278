import { hostname } from 'node:os';
import { join } from 'node:path';
import { createMetrics } from '../adapters/metrics/metrics.ts';
import { createProcessMetrics } from '../adapters/metrics/process-metrics.ts';
import { createCaseFiles } from '../adapters/postgres/case-files.ts';
import { shippedRules } from '../adapters/rule-files.ts';
import type { Config } from '../config.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { startSweep } from '../pipeline/admin/sweep-loop.ts';
import { gatherCases } from '../pipeline/cases/cases.ts';
import { QUEUE_SCHEMA, USAGE_QUEUE } from '../queues.ts';
import { createDelivery, startDelivery } from './delivery.ts';
import { createDunning, startDunning, withDunning } from './dunning.ts';
import { openEngine } from './engine.ts';
import { engineSettings } from './engine-settings.ts';
import { openFigureSources } from './figure-sources.ts';
import { type HttpAddress, startHttpEdge } from './http-edge.ts';
import { createMoneyIn, moneyRoutes, startMoneyIn } from './money-in.ts';
import { createReconciling, startReconciling } from './reconcile.ts';
import { createReviewing, startReviewing } from './review.ts';
import { startService } from './service.ts';
import { openLocalStripe } from './stripe-sandbox.ts';
import { createExporting, meterEvents, startExporting } from './usage-export.ts';
import { type RulesLine, watchRules } from './watch-rules.ts';

/** A pipeline that runs until it is closed. */
export interface RunningPipeline {
  readonly summary: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;
  readonly close: () => Promise<void>;
}

/** What `start` runs: the engine, unless you bring your own, and the pipeline on it. */
export async function startPipeline(options: {
  readonly config: Config;
  readonly ruleset: Ruleset;
  readonly onProblem: (what: string, error: unknown) => void;
  /** Where HTTP is served; not at all when left out. */
  readonly http?: HttpAddress;
  /** A fake Stripe beside the pipeline, in place of the configured one. */
  readonly stripeSandbox?: boolean;
  /** Told when other rules come into force, or are refused. */
  readonly onRules?: (line: RulesLine) => void;
}): Promise<RunningPipeline> {
  const { ruleset, onProblem, onRules, http } = options;
  const engine = await openEngine(engineSettings(options.config), {
    mode: 'exclusive',
    onError: (error) => onProblem('engine', error),
  });
  // In the order of starting; what was started last is closed first.
  const running: (() => Promise<void>)[] = [() => engine.close()];
  const closeAll = async () => {
    for (const close of running.splice(0).reverse()) await close();
  };
  try {
    const sandbox =
      options.stripeSandbox === true
        ? await openLocalStripe({ config: options.config, now: () => Date.now(), onProblem })
        : undefined;
    if (sandbox !== undefined) running.push(sandbox.close);
    const config = { ...options.config, ...sandbox?.config, publicUrl: publicUrl(options.config, http) };
    const rules = await watchRules({
      pool: engine.pool,
      ruleset,
      directory: config.rulesDir ?? shippedRules(),
      dataDir: config.dataDir,
      onLine: (line) => onRules?.(line),
      onProblem,
      now: () => Date.now(),
    });
    running.push(rules.close);
    const processMetrics = createProcessMetrics();
    const service = await startService(engine, {
      onCommit: processMetrics.onCommit,
      ruleset: rules.ruleset,
      lateWindowMs: config.lateWindowMs,
      holdsKeptMs: config.holdsKeptMs,
      movingSources: config.movingSources,
      batchEventsMax: config.batchEventsMax,
      gatherMs: config.gatherMs,
      concurrency: config.concurrency,
      owner: `start ${hostname()} ${process.pid}`,
      sweepsThaws: true,
      now: () => Date.now(),
      onRetry: (what, _attempt, error) => onProblem(what, error),
    });
    running.push(() => service.close());
    const lanes = service.ownedLanes;
    const dunning = createDunning(engine.pool, { config, ruleset: rules.ruleset, now: () => Date.now() });
    const moneyIn = createMoneyIn(engine.pool, { config, ruleset: rules.ruleset, now: () => Date.now() });
    const money = moneyIn === undefined ? undefined : withDunning(moneyIn, dunning);
    const figures = openFigureSources(engine, config, rules.ruleset);
    running.push(figures.close);
    const edge =
      http === undefined
        ? undefined
        : await startHttpEdge({
            engine,
            service,
            address: http,
            ruleset: rules.ruleset,
            archiveDir: config.archiveDir,
            accountRequestsPerMinute: config.accountRequestsPerMinute,
            fourEyesAboveNanos: config.fourEyesAboveNanos,
            metrics: createMetrics(figures.sources, () => Date.now(), processMetrics),
            onResponse: processMetrics.onResponse,
            onProblem,
            now: () => Date.now(),
            ...(money !== undefined && {
              routes: moneyRoutes(money, { config, currency: () => rules.ruleset().pricing.currency }),
            }),
          });
    if (money !== undefined) {
      const onRetry = (what: string, _attempt: number, error: unknown) => onProblem(what, error);
      const exporting = createExporting(engine.pool, {
        config,
        now: () => Date.now(),
        onCleared: processMetrics.onCleared,
      });
      const working = startMoneyIn(engine, money, {
        onRetry,
        ...(exporting !== undefined && { otherEvents: meterEvents(exporting, money.store) }),
      });
      running.push(working.close);
      running.push(startDunning(dunning, onRetry).close);
      if (exporting !== undefined) running.push(startExporting(exporting, money.store, onRetry).close);
      const reconciling = createReconciling(engine.pool, { config, ruleset: rules.ruleset, now: () => Date.now() });
      running.push(startReconciling(engine, reconciling, onRetry).close);
    }
    const reviewing = createReviewing(engine.pool, { config, ruleset: rules.ruleset, now: () => Date.now() });
    running.push(startReviewing(engine, reviewing, (what, _attempt, error) => onProblem(what, error)).close);
    const cases = createCaseFiles(engine.pool);
    running.push(
      startSweep({
        what: 'cases',
        onRetry: (what, _attempt, error) => onProblem(what, error),
        sweep: () => gatherCases(cases, () => Date.now()).then(() => undefined),
      }).close,
    );
    const delivery = createDelivery(engine.pool, { config, ruleset: rules.ruleset, now: () => Date.now() });
    running.push(startDelivery(delivery, (what, _attempt, error) => onProblem(what, error)).close);
    // Before the pipeline: what was accepted is answered while there is still somebody to write it.
    if (edge !== undefined) running.push(edge.close);
    if (edge !== undefined) sandbox?.connect(edge.url);
    return {
      summary: [
        `Tollkeeper takes usage from the queue ${USAGE_QUEUE.name} (${engine.queues.kind}).`,
        ...(engine.kind === 'embedded' && engine.queues.kind === 'postgres'
          ? [
              `Producers connect to PostgreSQL with engine.connectionString of ${join(config.dataDir, 'engine.json')} (schema ${QUEUE_SCHEMA}).`,
            ]
          : []),
        ...(edge === undefined ? [] : [`HTTP on ${edge.url}`]),
        ...(sandbox?.summary ?? []),
        `Lanes ${lanes.join(', ')} · ruleset ${ruleset.hash.slice(0, 12)} with ${ruleset.judgedRules.length} rules · stop with Ctrl-C`,
      ],
      details: {
        engine: engine.kind,
        queues: engine.queues.kind,
        lanes,
        ruleset: ruleset.hash,
        http: edge?.url ?? null,
        ...(sandbox === undefined ? {} : { stripeSandbox: sandbox.url }),
      },
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Customers come back to where we listen, unless somebody says that they see us elsewhere. */
function publicUrl({ publicUrl: given }: Config, http: HttpAddress | undefined): string | undefined {
  const port = http?.port ?? 0;
  return given ?? (port === 0 ? undefined : `http://127.0.0.1:${port}`);
}
