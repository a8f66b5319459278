import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openMemoryEngine } from '../../simulate/memory/engine.ts';
import { type PostgresEngines, postgresEngines } from '../../simulate/postgres-engine.ts';
import { runSeed } from '../../simulate/run.ts';

const SEEDS = [1, 2, 3, 9, 14, 23];
const STEPS = 1_000;

describe('the ledger in memory and on PostgreSQL', () => {
  let engines: PostgresEngines;
  let holds = 0;
  beforeAll(async () => {
    engines = await postgresEngines(inject('postgres').adminUrl);
  });
  afterAll(() => engines.close());

  // What each engine stores must not depend on it: the simulator's findings in memory hold for the real one then.
  test.each(SEEDS)('have the same books after the same steps (seed %i)', async (seed) => {
    const memory = await runSeed(seed, STEPS, openMemoryEngine());
    const engine = await engines.open(`s${seed}`);
    try {
      const postgres = await runSeed(seed, STEPS, engine);
      expect(postgres.failure).toBeUndefined();
      expect(memory.failure).toBeUndefined();
      for (const [table, lines] of Object.entries(memory.books)) {
        expect([table, postgres.books[table as keyof typeof memory.books]]).toEqual([table, lines]);
      }
      expect(postgres.trace).toBe(memory.trace);
      expect(memory.books.entries.length).toBeGreaterThan(20);
      holds += memory.books.holds.length;
    } finally {
      await engine.close();
    }
  });

  test('had holds in them', () => {
    expect(holds).toBeGreaterThan(10);
  });
});
