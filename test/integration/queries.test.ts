import { describe, expect, test } from 'vitest';
import { writeRareRows } from '../../src/adapters/postgres/write-rare-rows.ts';
import { addressOf, formatWalletId } from '../../src/domain/ids.ts';
import { freeze } from '../../src/pipeline/admin/freeze.ts';
import { topUp } from '../../src/pipeline/admin/top-up.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from '../support/ledger.ts';

const tenant = 'default';

async function fund(ledger: TestLedger, account: string, dollars: number): Promise<void> {
  await topUp(ledger.admin, {
    tenant,
    account,
    currency: 'USD',
    amount: BigInt(dollars) * USD,
    source: 'paid',
    overdraftNanos: PLAIN_RULESET.overdraftNanos,
    key: `fund-${account}`,
    actor: 'test',
    reason: null,
    nowMs: START_MS,
    dryRun: false,
  });
}

async function reject(ledger: TestLedger, id: string): Promise<void> {
  await ledger.pool.query(
    `insert into rejected_event (rejection_key, tenant_id, event_id, source, code, field, value, fix, queue, job_id, position, raw)
     values ('\\x01', 'default', $1, 'api', 'QUANTITY_NEGATIVE', 'quantity', '"-3"', 'Send a credit another way.', 'usage', '1', 0, '{}')`,
    [id],
  );
}

describe('an event', () => {
  test('that is posted is found with its entry', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    await ledger.use('acme', [{ id: 'a', dollars: '2.5', receivedAtMs: START_MS + 5 }]);
    const wallet = formatWalletId(addressOf(tenant, 'acme', 'USD').walletId);
    expect(await ledger.queries.findEvent('a', { tenant })).toMatchObject({
      status: 'posted',
      occurrences: [
        {
          status: 'posted',
          account: 'acme',
          wallet,
          source: 'api',
          quantity: '2.5',
          amount: (5n * USD) / 2n,
          currency: 'USD',
          occurredAtMs: START_MS,
          ingestedAtMs: START_MS + 5,
          batch: { batchNo: 2 },
          entry: { kind: 'usage', sequence: 2n, balanceAfter: (15n * USD) / 2n, batch: { batchNo: 2 } },
          quarantine: null,
        },
      ],
    });
  });

  test('is found with every time it came: refused, posted, repeated and altered', async () => {
    const ledger = await openTestLedger();
    await reject(ledger, 'a');
    await ledger.use('acme', [{ id: 'a' }]);
    await ledger.use('acme', [{ id: 'a' }, { id: 'a', dollars: '9' }]);
    const found = await ledger.queries.findEvent('a', { tenant });
    expect(found?.status).toBe('posted');
    expect(found?.occurrences.map(({ status, code }) => [status, code])).toEqual([
      ['posted', null],
      ['duplicate', null],
      ['quarantined', 'altered'],
      ['rejected', 'QUANTITY_NEGATIVE'],
    ]);
    expect(found?.occurrences.at(-1)).toMatchObject({
      field: 'quantity',
      value: '"-3"',
      fix: 'Send a credit another way.',
    });
    // A repetition has no entry of its own.
    expect(found?.occurrences[1]?.entry).toBeNull();
  });

  test('that was only refused is rejected, and one that never came is not found', async () => {
    const ledger = await openTestLedger();
    await reject(ledger, 'a');
    expect(await ledger.queries.findEvent('a', { tenant })).toMatchObject({ status: 'rejected' });
    expect(await ledger.queries.findEvent('b', { tenant })).toBeUndefined();
    expect(await ledger.queries.findEvent('a', { tenant: 'other' })).toBeUndefined();
  });

  test('that was refused has the time of its refusal, and no arrival by a clock that was never chosen', async () => {
    const ledger = await openTestLedger();
    await reject(ledger, 'a');
    expect((await ledger.queries.findEvent('a', { tenant }))?.occurrences).toMatchObject([
      { ingestedAtMs: null, rejectedAtMs: expect.any(Number), raw: '{}' },
    ]);
  });

  test('of one account is told from another with the same id', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', [{ id: 'a' }]);
    await ledger.use('other', [{ id: 'a', dollars: '2' }]);
    expect((await ledger.queries.findEvent('a', { tenant }))?.occurrences).toHaveLength(2);
    expect((await ledger.queries.findEvent('a', { tenant, account: 'other' }))?.occurrences).toMatchObject([
      { account: 'other' },
    ]);
    expect(await ledger.queries.findEvent('a', { tenant, source: 'elsewhere' })).toBeUndefined();
  });

  test('is found among hundreds of batches', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 1_000);
    for (let index = 0; index < 260; index++) await ledger.use('acme', [{ id: `e${index}` }]);
    expect(await ledger.queries.findEvent('e0', { tenant })).toMatchObject({
      occurrences: [{ batch: { batchNo: 2 } }],
    });
  });
});

describe('rejected events', () => {
  test('of a run come in the order of its file, all others the newest first, narrowed by code and source', async () => {
    const ledger = await openTestLedger();
    await ledger.pool.query(
      `insert into rejected_event
         (rejection_key, tenant_id, event_id, source, code, field, value, fix, queue, job_id, position, raw, rejected_at)
       select convert_to(raw, 'utf8'), 'default', null, source, code, '(line)', raw, 'Fix.', 'ingest', job_id, position, raw, at::timestamptz
       from (values
         ('third', 'b', 'JOB_NOT_JSON', 'run_1-00000001', 2, '2026-03-01T10:00:00Z'),
         ('first', 'a', 'JOB_NOT_JSON', 'run_1-00000000', 7, '2026-03-01T10:00:01Z'),
         ('second', 'a', 'JOB_SHAPE', 'run_1-00000001', 1, '2026-03-01T10:00:00Z'),
         ('other', 'a', 'JOB_SHAPE', 'run_10-00000000', 0, '2026-03-01T10:00:02Z')
       ) row(raw, source, code, job_id, position, at)`,
    );
    const raws = async (filter: object) =>
      (await ledger.queries.rejected({ tenant, limit: 10, ...filter })).map(({ raw }) => raw);
    expect(await raws({ run: 'run_1' })).toEqual(['first', 'second', 'third']);
    expect(await raws({ run: 'run_1', limit: 2 })).toEqual(['first', 'second']);
    expect(await raws({})).toEqual(['other', 'first', 'second', 'third']);
    expect(await raws({ code: 'JOB_NOT_JSON' })).toEqual(['first', 'third']);
    expect(await raws({ source: 'b' })).toEqual(['third']);
    expect(await raws({ tenant: 'other' })).toEqual([]);
  });
});

describe('lists', () => {
  test('are narrowed by account, status and limit', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    await fund(ledger, 'rich', 99);
    await ledger.use('unknown', [{ id: 'a' }]);
    const names = async (filter: object) =>
      (await ledger.queries.wallets({ tenant, limit: 10, ...filter })).map(({ account }) => account);
    expect(await names({})).toEqual(['unknown', 'acme', 'rich']);
    expect(await names({ limit: 1 })).toEqual(['unknown']);
    expect(await names({ account: 'rich' })).toEqual(['rich']);
    expect(await names({ status: 'frozen' })).toEqual([]);
    const accounts = await ledger.queries.accounts({ tenant, status: 'unconfirmed', limit: 10 });
    expect(accounts).toMatchObject([{ account: 'unknown', wallets: [{ posted: -1n * USD }] }]);
    expect(await ledger.queries.wallets({ tenant: 'other', limit: 10 })).toEqual([]);
  });

  test('alerts of one millisecond come in the order they were raised, the newest first', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    const { walletId } = addressOf(tenant, 'acme', 'USD');
    const wallet = { tenant, account: 'acme', walletId };
    // Ids say nothing about order: they are hashes.
    const batchOf = (lane: number, batchNo: number, ids: readonly string[]) => ({
      lane,
      batchNo,
      rulesetHash: 'plain',
      touched: [],
      burns: [],
      breakage: 0n,
      quarantined: [],
      outbox: [],
      lessons: [],
      fleetRows: [],
      fleetFindings: [],
      platform: null,
      decisions: ids.map((id) => ({
        decisionId: `dec_${id}`,
        wallet,
        key: { timeMs: START_MS, h0: 1, h1: 1, h2: 1 },
        outcome: 'review',
        score: 50,
        decidedAtMs: START_MS,
        evidence: {},
      })),
      alerts: ids.map((id) => ({
        alertId: `alt_${id}`,
        decisionId: `dec_${id}`,
        wallet,
        outcome: 'review',
        title: id,
        summary: id,
        moneyAtRisk: 0n,
        loss: 0n,
        raisedAtMs: START_MS,
      })),
    });
    const client = await ledger.pool.connect();
    for (const batch of [batchOf(1, 7, ['m', 'z', 'a']), batchOf(1, 8, ['k']), batchOf(0, 9, ['q'])]) {
      await writeRareRows(client, batch as never);
    }
    client.release();
    const titles = (await ledger.queries.alerts({ tenant, limit: 10 })).map(({ title }) => title);
    expect(titles).toEqual(['k', 'a', 'z', 'm', 'q']);
  });

  test('a frozen wallet names who froze it and why: a person, or the rules and their alert', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    const causes = async () =>
      (await ledger.queries.wallet({ tenant, name: 'acme' })).map(({ freezeCause }) => freezeCause);
    expect(await causes()).toEqual([null]);
    await freeze(ledger.admin, {
      wallet: { tenant, name: 'acme' },
      hours: 2,
      key: 'f',
      actor: 'cli:ana',
      reason: 'case 118',
      nowMs: START_MS,
      dryRun: false,
    });
    expect(await causes()).toEqual([{ kind: 'person', actor: 'cli:ana', reason: 'case 118' }]);

    const results = [
      { ruleId: 'spend-burst', status: 'snoozed', score: 40 },
      { ruleId: 'slow-drain', status: 'hit', score: 0 },
    ];
    await ledger.pool.query(
      `insert into decision (decision_id, tenant_id, wallet_id, account_id, lane, batch_no, event_key, outcome, score,
         ruleset_hash, decided_at, evidence)
       select 'dec_1', tenant_id, wallet_id, account_id, 0, 1, gen_random_uuid(), 'freeze', 75, 'r', now(), $1 from wallet`,
      [JSON.stringify({ results })],
    );
    await ledger.pool.query(`update wallet set frozen_by = 'dec_1'`);
    expect(await causes()).toEqual([{ kind: 'rules', rules: ['spend-burst'], alert: null }]);
    // An id that nothing is known of names nobody.
    await ledger.pool.query(`update wallet set frozen_by = 'chg_of_another_time'`);
    expect(await causes()).toEqual([null]);
  });

  test('a wallet is shown by its account or its id, with what waits by reason', async () => {
    const ledger = await openTestLedger();
    await ledger.use('acme', [
      { id: 'a', dollars: '9' },
      { id: 'b', meter: 'nonsense' },
    ]);
    const [byName] = await ledger.queries.wallet({ tenant, name: 'acme' });
    expect(byName?.quarantine).toMatchObject([
      { reason: 'over_limit', events: 1, amount: 9n * USD },
      { reason: 'unknown_meter', events: 1, amount: 0n },
    ]);
    const id = formatWalletId(byName?.wallet.walletId ?? 0n);
    expect(await ledger.queries.wallet({ tenant, name: id })).toEqual([byName]);
    expect(await ledger.queries.wallet({ tenant, name: 'nobody' })).toEqual([]);
  });
});

describe('the proofs', () => {
  async function used(): Promise<TestLedger> {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 3);
    await ledger.use('acme', [
      { id: 'a' },
      { id: 'b', dollars: '2' },
      { id: 'c', dollars: '6' },
      { id: 'd', meter: 'signup' },
    ]);
    await ledger.use('acme', [{ id: 'a' }]);
    return ledger;
  }

  test('hold after usage, and price the events again with the rules they were posted under', async () => {
    const ledger = await used();
    const proofs = await ledger.queries.proofs(PLAIN_RULESET);
    expect(proofs.filter(({ ok }) => !ok)).toEqual([]);
    const priced = proofs.find(({ name }) => name.startsWith('priced'));
    expect(priced?.detail).toBe('facts 3, batches 3, entries 3 (priced again from the events)');
    const other = await ledger.queries.proofs({ ...PLAIN_RULESET, hash: 'other' });
    expect(other.find(({ name }) => name.startsWith('priced'))).toMatchObject({
      ok: true,
      detail: expect.stringContaining('other ruleset'),
    });
  });

  test('hold when a freeze ends on its date in the middle of a batch', async () => {
    const ledger = await openTestLedger();
    await fund(ledger, 'acme', 10);
    const wallet = { tenant, name: 'acme' };
    const change = { key: 'f', actor: 'test', reason: 'a test', nowMs: START_MS, dryRun: false };
    await freeze(ledger.admin, { ...change, wallet, hours: 1 });
    const late = START_MS + 2 * 3_600_000;
    const statuses = await ledger.use('acme', [
      { id: 'a' },
      { id: 'b', receivedAtMs: late },
      { id: 'c', receivedAtMs: late },
    ]);
    expect(statuses.map(({ status }) => status)).toEqual(['quarantined', 'posted', 'posted']);
    expect((await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok)).toEqual([]);
  });

  test('hold for empty books', async () => {
    const ledger = await openTestLedger();
    expect((await ledger.queries.proofs()).every(({ ok }) => ok)).toBe(true);
  });

  // Each row breaks one thing as only somebody with the database password could, and names the proof that must notice.
  test.each([
    ['a balance', `update wallet set posted = posted + 1`, 'every balance is the sum of its entries'],
    ['a sequence', `update wallet set seq = seq + 1`, 'entries are numbered without gaps'],
    ['an amount', `update entry set amount = amount - 1 where seq = 2`, 'every ledger transaction sums to zero'],
    [
      'an amount and its other leg',
      `update entry set amount = amount - 1 where seq = 2; update batch_contra set amount = amount + 1 where ledger_account = 'revenue'`,
      'priced facts are what was charged',
    ],
    [
      'a last balance',
      `update entry set balance_after = 7 where seq = (select max(seq) from entry)`,
      'every balance is the one of its last entry',
    ],
    ['an entry that is gone', `delete from entry where seq = 2`, 'entries are numbered without gaps'],
    [
      'the facts of a batch',
      `update batch set priced = priced + 1 where kind = 'usage' and priced > 0`,
      'priced facts are what was charged',
    ],
    ['a status count', `update batch set duplicate = duplicate + 1 where kind = 'usage'`, 'every event has one status'],
    ['quarantined usage', `delete from quarantine`, 'wallets know what is in quarantine'],
    ['quarantined usage closed by hand', `update quarantine set status = 'posted'`, 'released usage was charged once'],
    [
      'a content hash',
      `update entry set content_hash = content_hash + 1 where seq = 2`,
      'the chain of batches is unbroken',
    ],
    [
      'who changed a wallet',
      `update batch set actor = 'nobody' where kind = 'topup'`,
      'the chain of batches is unbroken',
    ],
    ['a batch that is gone', `delete from batch where kind = 'topup'`, 'the chain of batches is unbroken'],
    [
      'a head that was set back',
      `update lane_head set last_batch = last_batch - 1 where last_batch > 0`,
      'the chain of batches is unbroken',
    ],
  ])('notice %s', async (_name, sql, proof) => {
    const ledger = await used();
    await ledger.pool.query(`set session_replication_role = replica; ${sql}; set session_replication_role = origin`);
    const failed = (await ledger.queries.proofs(PLAIN_RULESET)).filter(({ ok }) => !ok).map(({ name }) => name);
    expect(failed).toContain(proof);
  });
});
