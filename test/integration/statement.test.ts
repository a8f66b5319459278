import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { thaw } from '../../src/pipeline/admin/thaw.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { openBooks } from '../../src/wire/books.ts';
import { type CliRun, runCli } from '../support/cli.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const HOUR_MS = 3_600_000;

type Cli = (...args: readonly string[]) => Promise<CliRun>;

function cliOn(ledger: TestLedger): Cli {
  const config = () => parseConfig({ DATABASE_URL: ledger.connectionString });
  return (...args) => runCli(args, { config, openBooks: () => openBooks(config(), () => undefined) });
}

function fund(ledger: TestLedger, account: string, dollars: bigint, key: string, nowMs = START_MS) {
  return topUp(ledger.admin, {
    tenant: 'default',
    account,
    currency: 'USD',
    amount: dollars * USD,
    source: 'paid',
    overdraftNanos: PLAIN_RULESET.overdraftNanos,
    key,
    actor: 'cli:ana',
    reason: 'invoice 7',
    nowMs,
    dryRun: false,
  });
}

/** Books in which acme shares its lane and its batches with others, and was charged in every way there is. */
async function used(): Promise<TestLedger> {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10n, 'fund-acme');
  for (let index = 0; index < 40; index++) await fund(ledger, `other-${index}`, 50n, `fund-${index}`);
  for (let round = 0; round < 6; round++) {
    const all = [
      ledger.use('acme', [
        { id: `a${round}`, dollars: '0.5' },
        { id: `b${round}`, meter: 'signup' },
      ]),
    ];
    for (let index = 0; index < 40; index++) all.push(ledger.use(`other-${index}`, [{ id: `o${round}-${index}` }]));
    await Promise.all(all);
  }
  const wallet = { tenant: 'default', name: 'acme' };
  const common = { actor: 'cli:bo', dryRun: false, wallet };
  await freeze(ledger.admin, { ...common, hours: 5, key: 'freeze', reason: 'case 118', nowMs: START_MS + HOUR_MS });
  await ledger.use('acme', [{ id: 'waits', dollars: '1.25' }]);
  const overdraftNanos = PLAIN_RULESET.overdraftNanos;
  await thaw(ledger.admin, {
    ...common,
    usage: 'post',
    overdraftNanos,
    key: 'thaw',
    reason: null,
    nowMs: START_MS + HOUR_MS,
  });
  return ledger;
}

test('a statement opens, runs and closes with exact balances, and adds up by kind', async () => {
  const cli = cliOn(await used());
  const { exitCode, json } = await cli('statement', 'acme', '--json');
  expect(exitCode).toBe(0);
  const statement = json() as { readonly entries: readonly Record<string, unknown>[] };
  expect(statement).toMatchObject({
    account: 'acme',
    opening: { sequence: '0', balance: '0' },
    closing: { sequence: '16', balance: '5.75', balanceNanos: '5750000000' },
    totals: [
      { kind: 'topup', entries: 1, amount: '10' },
      { kind: 'usage', entries: 6, amount: '-3' },
      { kind: 'fact', entries: 6, amount: '0' },
      { kind: 'freeze', entries: 1, amount: '0' },
      { kind: 'released', entries: 1, amount: '-1.25' },
      { kind: 'thaw', entries: 1, amount: '0' },
    ],
  });
  expect(statement.entries[0]).toMatchObject({
    kind: 'topup',
    eventId: 'fund-acme',
    actor: 'cli:ana',
    reason: 'invoice 7',
  });
  expect(statement.entries[1]).toMatchObject({
    eventId: 'a0',
    meter: 'dollars',
    quantity: '0.5',
    amount: '-0.5',
    balance: '9.5',
  });
  expect(statement.entries.find(({ kind }) => kind === 'released')).toMatchObject({
    eventId: 'waits',
    quantity: '1.25',
  });
});

test('a statement of a period begins where the one before it ended', async () => {
  const cli = cliOn(await used());
  const until = new Date(START_MS + 1).toISOString();
  const before = (await cli('statement', 'acme', '--to', until, '--json')).json();
  const after = (await cli('statement', 'acme', '--from', until, '--json')).json();
  expect(before).toMatchObject({ closing: { sequence: '1', balance: '10' }, entries: [{ sequence: '1' }] });
  expect(after).toMatchObject({
    opening: { sequence: '1', balance: '10' },
    closing: { sequence: '16', balance: '5.75' },
  });
});

test('CSV holds no formula of a customer, and the amounts are exact', async () => {
  const ledger = await openTestLedger();
  await fund(ledger, 'acme', 10n, '=cmd|calc');
  await ledger.use('acme', [{ id: '=HYPERLINK("http://x")', dollars: '0.000000001' }, { id: '-2+3' }, { id: 'a,b' }]);
  const { stdout } = await cliOn(ledger)('statement', 'acme', '--format', 'csv');
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(7);
  expect(lines[1]).toContain(',opening,');
  expect(lines[2]).toContain(`,topup,'=cmd|calc,`);
  expect(lines[3]).toContain(`,"'=HYPERLINK(""http://x"")",api,dollars,0.000000001,-0.000000001,9.999999999,USD,,`);
  expect(lines[4]).toContain(`,'-2+3,`);
  expect(lines[5]).toContain(`,"a,b",`);
  expect(lines[6]).toContain(',closing,');
});

test('a statement with proof is checked without a database, by this program and by forty lines of another', async () => {
  const ledger = await used();
  const cli = cliOn(ledger);
  const directory = await temporaryDirectory();
  const [headFile, file] = [join(directory, 'head.json'), join(directory, 'acme.json')];
  const head = await cli('ledger', 'head', '--json');
  await writeFile(headFile, head.stdout);
  // What is written afterwards does not disturb a proof against the published head.
  await ledger.use('other-1', [{ id: 'later' }]);
  const printed = await cli('statement', 'acme', '--proof', '--head', headFile);
  expect(printed.exitCode, printed.stderr).toBe(0);
  await writeFile(file, printed.stdout);

  const offline = await runCli(['statement', 'verify', file, '--head', headFile]);
  expect(offline.stdout).toContain('16 entries of acme add up to $5.75');
  expect(offline.exitCode).toBe(0);
  const { hash } = head.json() as { readonly hash: string };
  expect(independentHead(JSON.parse(printed.stdout))).toBe(hash);
  expect(printed.stdout).not.toContain('other-');
});

test('any change of a statement, and any other head, is refused', async () => {
  const ledger = await used();
  const cli = cliOn(ledger);
  const file = join(await temporaryDirectory(), 'acme.json');
  const { stdout } = await cli('statement', 'acme', '--proof');
  const check = async (text: string) => {
    await writeFile(file, text);
    return runCli(['statement', 'verify', file, '--json']);
  };
  expect((await check(stdout)).exitCode).toBe(0);
  const changes: readonly (readonly [string, string])[] = [
    ['"amountNanos": "-500000000"', '"amountNanos": "-400000000"'],
    ['"eventId": "a1"', '"eventId": "a9"'],
    ['"quantity": "0.5"', '"quantity": "5"'],
    ['"meter": "dollars"', '"meter": "cents"'],
    ['"kind": "usage"', '"kind": "fact"'],
    ['"occurredAt": "2026-03-02T09:00:00.000Z"', '"occurredAt": "2026-03-02T09:00:00.001Z"'],
    ['"account": "acme"', '"account": "acne"'],
    ['"wallets": ', '"wallets": 1'],
    ['"index": ', '"index": 1'],
    ['"sequence": "3"', '"sequence": "4"'],
  ];
  for (const [from, to] of changes) {
    expect(stdout).toContain(from);
    expect((await check(stdout.replace(from, to))).exitCode, from).toBe(1);
  }
  const one = JSON.parse(stdout);
  const without = { ...one, entries: one.entries.slice(0, -1), closing: one.entries.at(-2) };
  expect((await check(JSON.stringify(without))).exitCode).toBe(1);
  const postedLater = structuredClone(one);
  for (const part of [postedLater.entries[0], postedLater.proof.batches[0]]) part.postedAt = '2026-01-01T00:00:00.000Z';
  expect((await check(JSON.stringify(postedLater))).exitCode).toBe(1);
  // A node at the top would make the whole proof say nothing of the entries.
  const hollow = structuredClone(one);
  const { batches, heads } = hollow.proof;
  const [, size = '0', root = ''] = heads.find((text: string) => text.startsWith(`${batches[0].lane}:`)).split(':');
  const top = Math.ceil(Math.log(Number(size)) / Math.log(4));
  hollow.proof.lanes[0].nodes = { [`${top}.0`]: root };
  expect((await check(JSON.stringify(hollow))).exitCode).toBe(1);
  expect((await check(JSON.stringify({ ...one, proof: undefined }))).stdout).toContain('no proof');
  await writeFile(file, stdout);
  expect((await runCli(['statement', 'verify', file, '--head', '0'.repeat(64)])).exitCode).toBe(1);
});

test('a head that was published shows that the whole ledger was made anew', async () => {
  const ledger = await used();
  const cli = cliOn(ledger);
  const headFile = join(await temporaryDirectory(), 'head.json');
  const head = await cli('ledger', 'head', '--json');
  await writeFile(headFile, head.stdout);
  const readRules = async () => ({ directory: 'none', result: { ok: true, ruleset: PLAIN_RULESET } }) as never;
  const config = () => parseConfig({ DATABASE_URL: ledger.connectionString });
  const verify = () =>
    runCli(['ledger', 'verify', '--quiet', '--head', headFile], {
      config,
      readRules,
      openBooks: () => openBooks(config(), () => undefined),
    });
  const untouched = await verify();
  expect(untouched.stdout).toContain('✓ Nothing was changed, taken out or put in.');
  expect(untouched.exitCode).toBe(0);
  await ledger.pool.query(
    `set session_replication_role = replica; update batch set chain = sha256(chain) where lane = 1 and batch_no = 1`,
  );
  const found = await verify();
  expect(found.exitCode).toBe(1);
  expect(found.stdout).toContain('not the one that was published');
});

test('the balance is known at any time, and history tells who did what and why', async () => {
  const ledger = await used();
  await fund(ledger, 'acme', 5n, 'second', START_MS + 2 * HOUR_MS);
  const cli = cliOn(ledger);
  const at = async (ms: number) =>
    (
      (await cli('wallet', 'balance', 'acme', '--at', new Date(ms).toISOString(), '--json')).json() as {
        balance: string;
      }
    ).balance;
  expect(await at(START_MS - 1)).toBe('0');
  expect(await at(START_MS)).toBe('10');
  expect((await cli('wallet', 'balance', 'acme', '--json')).json()).toMatchObject({ balance: '10.75', sequence: '17' });
  expect((await cli('wallet', 'balance', 'acme', '--at', 'yesterday')).stderr).toContain('Give a day like');

  const first = (await cli('wallet', 'history', 'acme', '--limit', '3', '--json')).json() as { next: string };
  expect(first).toMatchObject({
    entries: [
      { sequence: '17', kind: 'topup', balance: '10.75', actor: 'cli:ana', reason: 'invoice 7' },
      { sequence: '16', kind: 'thaw', actor: 'cli:bo' },
      { sequence: '15', kind: 'released', eventId: 'waits' },
    ],
    next: '15',
  });
  const rest = (await cli('wallet', 'history', 'acme', '--before', first.next, '--json')).json();
  expect(rest).toMatchObject({ next: null });
  expect((rest as { entries: unknown[] }).entries).toHaveLength(14);
});

test('the audit log is listed by account, by actor and by time', async () => {
  const cli = cliOn(await used());
  const list = async (...args: string[]) =>
    ((await cli('audit', 'list', '--json', ...args)).json() as { lines: Record<string, unknown>[] }).lines;
  expect((await list('--account', 'acme')).map(({ action, actor }) => [action, actor])).toEqual([
    ['wallet.thaw', 'cli:bo'],
    ['wallet.release', 'cli:bo'],
    ['wallet.freeze', 'cli:bo'],
    ['wallet.topup', 'cli:ana'],
  ]);
  expect(await list('--actor', 'cli:bo', '--since', new Date(START_MS + 1).toISOString())).toHaveLength(3);
  expect((await list('--account', 'acme', '--limit', '1'))[0]).toMatchObject({
    account: 'acme',
    key: 'thaw',
    reason: null,
  });
  const changed = await used();
  await expect(changed.pool.query(`update audit_log set actor = 'nobody'`)).rejects.toThrow('append-only');
});

interface Independent {
  readonly entries: readonly Record<string, string>[];
  readonly proof: {
    readonly walletNumber: string;
    readonly heads: readonly string[];
    readonly lanes: readonly { readonly lane: number; readonly nodes: Record<string, string> }[];
    readonly batches: readonly (Record<string, string> & { readonly nodes: Record<string, string> })[];
  };
}

/** The published head a statement leads to, from docs/ledger-statement.md alone: no code of the product. */
function independentHead({ entries, proof }: Independent): string {
  const sha = (...parts: readonly (Buffer | string)[]) => {
    const digest = createHash('sha256');
    for (const part of parts) digest.update(part);
    return digest.digest();
  };
  const int = (value: bigint | number | string, size: number) => {
    const bytes = Buffer.alloc(4 + size);
    bytes.writeInt32BE(size);
    if (size === 8) bytes.writeBigInt64BE(BigInt(value), 4);
    else bytes.writeInt16BE(Number(value), 4);
    return bytes;
  };
  const rowOf = (e: Record<string, string>) => {
    const key = Buffer.from((e.eventKey ?? '').replaceAll('-', ''), 'hex');
    const microseconds = BigInt(Date.parse(e.occurredAt ?? '') - Date.UTC(2000, 0)) * 1000n;
    const numbers = [
      proof.walletNumber,
      e.sequence,
      e.amountNanos,
      e.balanceNanos,
      microseconds,
      e.contentHash,
      e.batch,
    ];
    const columns = numbers.map((value) => int(value ?? '', 8));
    return Buffer.concat([
      Buffer.from([0, 10, 0, 0, 0, 16]),
      key,
      ...columns,
      int(e.lane ?? '', 2),
      int(e.kindCode ?? '', 2),
    ]);
  };
  const rootOf = (size: number, nodes: Record<string, string>, leaves: ReadonlyMap<number, Buffer>) => {
    const used = new Set<number>();
    const width = (level: number) => Math.ceil(size / 4 ** level);
    const node = (level: number, index: number): Buffer => {
      const given = nodes[`${level}.${index}`];
      if (given !== undefined) return Buffer.from(given, 'hex');
      if (level === 0) used.add(index);
      if (level === 0) return leaves.get(index) ?? Buffer.alloc(0);
      const below = [0, 1, 2, 3].map((at) => index * 4 + at).filter((child) => child < width(level - 1));
      const children = below.map((child) => node(level - 1, child));
      return children.length === 1 ? (children[0] ?? Buffer.alloc(0)) : sha(Buffer.of(1), ...children);
    };
    let top = 0;
    while (width(top) > 1) top++;
    const root = node(top, 0);
    return used.size === leaves.size ? root.toString('hex') : 'a leaf was left out';
  };
  const links = new Map<number, Map<number, Buffer>>();
  for (const b of proof.batches) {
    const rows = entries.filter((e) => e.lane === b.lane && e.batch === b.batch).map(rowOf);
    const root = rootOf(Number(b.wallets), b.nodes, new Map([[Number(b.index), sha(...rows)]]));
    const place = `${b.lane}|${b.batch}|${b.kind}|${b.postedAt}|${b.wallets}`;
    const bytes = [b.previous, root, b.header].map((hex) => Buffer.from(hex ?? '', 'hex'));
    const lane = links.get(Number(b.lane)) ?? new Map<number, Buffer>();
    links.set(Number(b.lane), lane.set(Number(b.batch) - 1, sha(Buffer.of(0), sha(...bytes, place))));
  }
  for (const { lane, nodes } of proof.lanes) {
    const [, size = '', root] = proof.heads.find((head) => head.startsWith(`${lane}:`))?.split(':') ?? [];
    if (rootOf(Number(size), nodes, links.get(lane) ?? new Map()) !== root) return `lane ${lane} does not fit its head`;
  }
  return sha(['tollkeeper-head-1', ...proof.heads].map((line) => `${line}\n`).join('')).toString('hex');
}
