import type { Property } from './checks.ts';
import type { Books, Engine } from './engine.ts';
import { compareWithModel } from './final-checks.ts';
import { drawWeights, pickOperation } from './operations.ts';
import { simulatedRuleset } from './ruleset.ts';
import { LATE_WINDOW_MS } from './usage.ts';
import { World } from './world.ts';

/** What one seed came to. */
export interface SeedReport {
  readonly seed: number;
  readonly steps: number;
  readonly failure:
    | {
        readonly property: Property;
        /** Other properties that were broken by then. */
        readonly also: readonly Property[];
        readonly detail: string;
        readonly step: number;
        readonly last: readonly string[];
      }
    | undefined;
  readonly trace: string;
  readonly operations: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly exercised: ReadonlyMap<string, number>;
  /** What events and changes became. */
  readonly seen: ReadonlyMap<string, number>;
  readonly books: Books;
}

/** Steps to come to rest in, at most: more means that somebody waits for ever. */
const REST_STEPS_MAX = 20_000;

/**
 * Plays one seed: so many steps with everything that can go wrong, then until every job is answered without faults, then
 * the checks that need the whole. The same seed and steps give the same trace.
 */
export async function runSeed(seed: number, steps: number, engine: Engine): Promise<SeedReport> {
  const world = new World(seed, engine);
  const { stage, checks } = world;
  let failedAt = 0;
  const hasFailed = () => {
    if (checks.failure !== undefined && failedAt === 0) failedAt = stage.step;
    return checks.failure !== undefined;
  };
  const weights = drawWeights(world.random);
  while (stage.step < steps && !hasFailed()) await oneStep(world, weights);
  stage.faultRate = 0;
  const restBy = stage.step + REST_STEPS_MAX;
  while (!hasFailed() && !isAtRest(world)) {
    await restStep(world);
    checks.expect('somebody can always go on', stage.step < restBy, () => `${stage.waiting} operations wait for ever`);
  }
  await world.end();
  const books = await engine.books();
  if (!hasFailed()) {
    checks.expect(
      'one fate per event',
      world.jobs.every(({ isDone }) => isDone),
      () => 'a job has no answer',
    );
    compareWithModel(world, books);
    const broken = await engine.brokenLinks();
    checks.expect('the chain is unbroken', broken.length === 0, () => broken.slice(0, 3).join('; '));
    const split = world.history.replay(world.splits, { ruleset: simulatedRuleset(), lateWindowMs: LATE_WINDOW_MS });
    checks.expect('any split gives the same books', split === undefined, () => split ?? '');
    const faults = await engine.faults();
    checks.expect('the proofs hold', faults.length === 0, () => faults.join('; '));
    hasFailed();
  }
  return {
    seed,
    steps: stage.step,
    failure:
      checks.failure === undefined
        ? undefined
        : { ...checks.failure, also: [...checks.also], step: failedAt, last: stage.recent.slice(-40) },
    trace: stage.traceHash(),
    operations: world.counts,
    faults: stage.faults,
    exercised: checks.exercised,
    seen: checks.seen,
    books,
  };
}

/** Either something new happens, or one operation that waits goes on. */
async function oneStep(world: World, weights: readonly number[]): Promise<void> {
  const { stage, random } = world;
  stage.step++;
  const isNew = stage.waiting === 0 || random.next() < 0.12;
  if (isNew || !stage.openOne()) {
    const operation = pickOperation(world, weights);
    world.count(operation.name);
    stage.note(operation.name);
    operation.run(world);
  }
  await stage.quiet();
  world.revive();
  for (const node of world.nodes) if (random.next() < 0.5) world.hurry(node);
  await stage.quiet();
}

function isAtRest(world: World): boolean {
  return world.stage.waiting === 0 && world.running === 0 && world.jobs.every(({ isDone }) => isDone);
}

/** Nothing new, no faults: stalled jobs are delivered again, and everybody goes on. */
async function restStep(world: World): Promise<void> {
  const { stage } = world;
  stage.step++;
  world.revive();
  for (const job of world.jobs) {
    const [node] = world.nodes;
    if (!job.isDone && job.workers.size === 0 && node !== undefined) world.deliver(job, node);
  }
  for (const node of world.nodes) world.hurry(node);
  await stage.quiet();
  stage.openOne();
  await stage.quiet();
}
