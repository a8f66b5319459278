import { randomBytes } from 'node:crypto';
import { createAdminStore } from '../src/adapters/postgres/admin/admin-store.ts';
import { createApiKeyStore } from '../src/adapters/postgres/api-keys.ts';
import { readRuleFiles } from '../src/adapters/rule-files.ts';
import { KEY_BYTES, keyPartsOf } from '../src/domain/api-keys/key-text.ts';
import { loadRuleset } from '../src/domain/rules/ruleset.ts';
import { DAY_MS } from '../src/domain/time.ts';
import { topUp } from '../src/pipeline/admin/top-up.ts';
import { createKey } from '../src/pipeline/api-keys/manage-keys.ts';
import { openEngine } from '../src/wire/engine.ts';
import { startHttpEdge } from '../src/wire/http-edge.ts';
import { startService } from '../src/wire/service.ts';

/** What the parent asks of this process: a service with its HTTP edge, on a database of its own. */
export interface HttpOrder {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly prefix: string;
  readonly lanes: number;
  /** Accounts to credit before the start, `acct_0` onwards. */
  readonly credited: number;
}

/** Sent when the server listens, and after each commit. */
export interface HttpReport {
  readonly url: string;
  readonly key: string;
  readonly events: number;
  readonly atMs: number;
}

async function run(order: HttpOrder): Promise<void> {
  const loaded = loadRuleset(await readRuleFiles());
  if (!loaded.ok) throw new Error('the shipped rules do not load');
  const { ruleset } = loaded;
  const onProblem = (what: string, error: unknown) => process.stderr.write(`${what}: ${String(error)}\n`);
  const engine = await openEngine(
    {
      databaseUrl: order.databaseUrl,
      redisUrl: order.redisUrl,
      queuePrefix: order.prefix,
      dataDir: '.tollkeeper',
      port: undefined,
      lanes: order.lanes,
      jobLockMs: 60_000,
    },
    { mode: 'shared', onError: (error) => onProblem('engine', error) },
  );
  const now = () => Date.now();
  const admin = createAdminStore(engine.pool);
  const { currency } = ruleset.pricing;
  for (let index = 0; index < order.credited; index++) {
    const who = { tenant: 'default', account: `acct_${index}`, currency, actor: 'bench', reason: null } as const;
    const credit = { amount: 1_000_000_000_000n, source: 'paid', key: `bench-${index}`, dryRun: false } as const;
    await topUp(admin, { ...who, ...credit, nowMs: now(), overdraftNanos: 0n });
  }
  let [url, key, events] = ['', '', 0];
  const report = () => process.send?.({ url, key, events, atMs: Date.now() } satisfies HttpReport);
  const service = await startService(engine, {
    ruleset: () => ruleset,
    lateWindowMs: 35 * DAY_MS,
    batchEventsMax: 10_000,
    gatherMs: 5,
    concurrency: 64,
    owner: `bench ${process.pid}`,
    now,
    onRetry: (what, _attempt, error) => onProblem(what, error),
    onCommit: (batch) => {
      events += batch.facts.length;
      report();
    },
  });
  const rights = { tenant: 'default', name: 'bench', scopes: ['ingest'] as const, accounts: null };
  const asked = { ...rights, requestsPerMinute: 10_000_000, expiresAtMs: null };
  const change = { actor: 'bench', reason: null, atMs: now() };
  const store = createApiKeyStore(engine.pool);
  ({ text: key } = await createKey(store, asked, keyPartsOf(randomBytes(KEY_BYTES)), change, false));
  const address = { port: 0 };
  const server = await startHttpEdge({ engine, service, address, ruleset: () => ruleset, onProblem, now });
  url = server.url;
  report();
  process.once('message', () => {
    void server
      .close()
      .then(() => service.close())
      .then(() => engine.close())
      .then(() => process.exit(0));
  });
}

process.once('message', (order) => void run(order as HttpOrder));
