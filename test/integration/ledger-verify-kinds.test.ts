import { describe, expect, test } from 'vitest';
import { isSqlState } from '../../src/adapters/postgres/sql-state.ts';
import { fillEveryKind, leaveOpen, TOKENS_RULESET } from '../support/every-kind.ts';
import { openTestLedger } from '../support/ledger.ts';
import { otherValue, verifyAfter } from '../support/verify.ts';

/** What services were last told of a spending limit; nothing else depends on it. */
const TOLD = ['throttle_told_at', 'throttle_told_sequence'];

/** Which rows, how many there are at least, and what of them nothing holds (docs/ledger-verify.md). */
const ROWS: readonly (readonly [table: string, which: string, except: readonly string[]])[] = [
  ...[3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((kind) => ['entry', `kind = ${kind}`, []] as const),
  ...['grant', 'expire', 'refund', 'dispute', 'reinstate', 'correct', 'limit', 'capture', 'reversal', 'amend'].map(
    (kind) => ['batch', `kind = '${kind}'`, []] as const,
  ),
  ['batch_contra', "ledger_account = 'breakage' and (lane, batch_no) in (select lane, batch_no from batch_facts)", []],
  ['credit_grant', 'remaining > 0', []],
  ['grant_burn', 'true', []],
  ['grant_burn', '(lane, batch_no) in (select lane, batch_no from batch_facts)', []],
  ['event_correction', "kind = 'void'", ['amended_key']],
  ['event_correction', "kind = 'amend'", []],
  ['quarantine', "reason = 'throttled' and status = 'open'", []],
  ['quarantine', "reason = 'frozen' and residue <> 0", []],
  ['quarantine', "reason = 'unknown_meter' and status = 'posted'", []],
  ['quarantine', "reason = 'unknown_meter' and status = 'void'", []],
  [
    'wallet',
    'throttle_limit is not null',
    ['opened_at', 'status_sequence', 'tenant_id', 'throttle_period_at', 'throttle_spent', ...TOLD],
  ],
  [
    'wallet',
    'residue <> 0',
    [
      'opened_at',
      'status_sequence',
      'tenant_id',
      ...['limit', 'period_ms', 'period_at', 'spent'].map((name) => `throttle_${name}`),
      ...TOLD,
    ],
  ],
  ['hold', "state = 'captured'", []],
  ['hold', "state = 'released'", []],
  ['hold', "state = 'open'", ['expires_at']],
  ['hold_operation', "operation = 'capture'", ['result']],
  // Who placed a hold is said twice, and the finding names the other place.
  ['hold_operation', "operation = 'place'", ['idempotency_key', 'reason', 'actor']],
  ['hold_operation', "operation = 'release'", ['idempotency_key', 'reason', 'actor', 'result']],
];

describe('books with every kind of entry', () => {
  test('are proven, and nothing is found in them', async () => {
    const ledger = await openTestLedger(TOKENS_RULESET);
    await fillEveryKind(ledger);
    await leaveOpen(ledger);
    expect((await verifyAfter(ledger.pool, [], { ruleset: TOKENS_RULESET })).found).toEqual([]);
    expect((await ledger.queries.proofs(TOKENS_RULESET)).filter(({ ok }) => !ok)).toEqual([]);

    const missed: string[] = [];
    const refused: string[] = [];
    for (const [table, which, except] of ROWS) {
      const columns = await ledger.pool.query<{ name: string; type: string }>(
        `select column_name as name, data_type as type from information_schema.columns
         where table_schema = 'tollkeeper' and table_name = $1 order by ordinal_position`,
        [table],
      );
      const at = `(tableoid, ctid) = (select tableoid, ctid from ${table} where ${which} order by ctid limit 1)`;
      const changes = [
        ...columns.rows
          .filter(({ name }) => !except.includes(name))
          .map(({ name, type }) => [
            name,
            `update ${table} set ${name} = ${otherValue(table, name, type)} where ${at}`,
          ]),
        ['', `delete from ${table} where ${at}`],
      ] as const;
      for (const [name = '', sql = ''] of changes) {
        const { found } = await verifyAfter(ledger.pool, [sql], { ruleset: TOKENS_RULESET }).catch((error: unknown) => {
          // The table's own checks refuse it before anybody has to find it.
          if (isSqlState(error, '23514', '23505')) return { found: undefined };
          throw error;
        });
        if (found === undefined) {
          refused.push(`${table}.${name}`);
          continue;
        }
        const names = found.map((finding) => `${finding.table}.${finding.column} ${finding.why}`);
        const isSealed = ['credit_grant', 'grant_burn', 'event_correction', 'hold_operation'].includes(table);
        const isKey = ['', 'lane', 'batch_no', 'event_key', 'wallet_id', 'hold_id', 'tenant_id'].includes(name);
        const isNamed = names.some((text) => text.includes(table) && (isSealed || isKey || text.includes(name)));
        if (!isNamed)
          missed.push(
            `${table} where ${which}, ${name === '' ? 'taken out' : name}: ${names.slice(0, 3).join('; ') || 'nothing'}`,
          );
      }
    }
    expect(missed).toEqual([]);
    const known = [
      'event_correction.charged',
      'event_correction.kind',
      'hold.captured',
      'hold.closed_at',
      'hold.state',
    ];
    expect([...new Set(refused)].sort()).toEqual(known);
  }, 600_000);
});

test('terms of a hold that was never captured are found when they were changed in the hold and in its answers alike', async () => {
  const ledger = await openTestLedger(TOKENS_RULESET);
  await fillEveryKind(ledger);
  const answers = (change: string) =>
    `update hold_operation set result = (result::jsonb || ${change})::json where hold_id = 'open'`;
  for (const changes of [
    [`update hold set amount = 500000000 where hold_id = 'open'`, answers(`'{"amount":"0.5"}'`)],
    [`update hold set capture_max = 2 * amount where hold_id = 'open'`, answers(`'{"captureMax":"2"}'`)],
    [
      `update hold set expires_at = expires_at + interval '1 day' where hold_id = 'open'`,
      answers(`jsonb_build_object('expiresAt', replace(result ->> 'expiresAt', '2026-03-02', '2026-03-03'))`),
    ],
  ]) {
    const { found } = await verifyAfter(ledger.pool, changes, { ruleset: TOKENS_RULESET });
    expect(found, changes[0]).toMatchObject([{ table: 'hold_operation', column: 'request_hash', account: 'calls' }]);
  }
});
