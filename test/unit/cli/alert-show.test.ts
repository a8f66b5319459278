import { expect, test } from 'vitest';
import { decisionEvidenceSchema } from '../../../src/pipeline/queries/decision-evidence.ts';
import { runCli } from '../../support/cli.ts';

const USD = 1_000_000_000;

function rule(ruleId: string, status: string, over: Record<string, unknown> = {}) {
  const money = {
    unit: 'nanos',
    windowMs: 1_800_000,
    observed: 13.01 * USD,
    expected: 1.43 * USD,
    threshold: 11.43 * USD,
  };
  return { ruleId, status, score: 0, ...money, ...over };
}

const detail = {
  alert: {
    alertId: 'alt_1',
    decisionId: 'dec_1',
    tenant: 'default',
    account: 'acme',
    walletId: 7n,
    currency: 'USD',
    outcome: 'freeze',
    title: 'acme · wallet frozen',
    summary: 'Spent $13.01 in 30 minutes.',
    moneyAtRisk: 0n,
    loss: 0n,
    status: 'open',
    raisedAtMs: 0,
    closedAtMs: null,
    closedBy: null,
  },
  decision: {
    decisionId: 'dec_1',
    outcome: 'freeze',
    score: 75,
    rulesetHash: 'r',
    decidedAtMs: 0,
    lane: 0,
    batchNo: 1,
    evidence: decisionEvidenceSchema.parse({
      results: [
        rule('spend-burst', 'snoozed', { score: 40, say: 'Spent $13.01 in 30 minutes.' }),
        rule('leaked-key', 'hit', { score: 35 }),
        rule('flood', 'no_hit', { mode: 'shadow', unit: 'count', observed: 2, expected: 0.7, threshold: 501 }),
        rule('slow-drain', 'inconclusive', { threshold: null }),
      ],
    }),
    stored: {},
  },
  review: null,
  wallet: undefined,
};

test('a rule that fires is said to fire, whether or not it was told before, with its numbers in one format', async () => {
  const queries = { alert: async () => detail };
  const money = { radar: { ofAccount: async () => undefined } };
  const openBooks = async () => ({ queries, money, admin: {}, close: async () => undefined }) as never;
  const { stdout } = await runCli(['alert', 'show', 'alt_1'], { openBooks });
  expect(stdout).toContain(
    [
      'RULE         RESULT              POINTS  WINDOW         SAW  EXPECTED  FIRES FROM',
      'spend-burst  fires, told before      40  30 minutes  $13.01     $1.43      $11.43',
      'leaked-key   fires                   35  30 minutes  $13.01     $1.43      $11.43',
      'flood        quiet (shadow)           0  30 minutes       2       0.7         501',
      'slow-drain   too little history       0  30 minutes  $13.01         –           –',
    ].join('\n'),
  );
  expect(stdout).not.toContain('snoozed');
});

test.each([
  ['listed', 'listed', "on Radar's list usage_anomaly_review"],
  ['unavailable', 'local_queue', 'This Stripe plan has no lists'],
])('an alert says what became of putting the customer before Radar: %s', async (listStatus, outcome, words) => {
  const queries = { alert: async () => detail };
  const money = { radar: { ofAccount: async () => ({ status: 'standing', listStatus, untilMs: 0 }) } };
  const openBooks = async () => ({ queries, money, admin: {}, close: async () => undefined }) as never;
  expect((await runCli(['alert', 'show', 'alt_1'], { openBooks })).stdout).toContain(words);
  const json = (await runCli(['alert', 'show', 'alt_1', '--json'], { openBooks })).json();
  expect(json).toMatchObject({ radar: { outcome, until: '1970-01-01T00:00:00.000Z' } });
});
