import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { METRICS } from '../../src/adapters/metrics/metrics.ts';

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(['page', 'ticket']) }),
          annotations: z.object({ summary: z.string(), action: z.string() }),
        }),
      ),
    }),
  ),
});
const dashboardSchema = z.object({
  panels: z.array(
    z.object({
      id: z.number(),
      type: z.string(),
      title: z.string(),
      description: z.string().optional(),
      gridPos: z.object({ h: z.number(), w: z.number(), x: z.number(), y: z.number() }),
      targets: z.array(z.object({ expr: z.string() })).optional(),
    }),
  ),
});

const rules = rulesSchema
  .parse(parse(readFileSync('deploy/prometheus/rules.yml', 'utf8')))
  .groups.flatMap((group) => group.rules);
const { panels } = dashboardSchema.parse(JSON.parse(readFileSync('deploy/grafana/tollkeeper.json', 'utf8')));

/** Series that a registry gives, with the labels they may be asked for. */
const SERIES = new Map<string, ReadonlySet<string>>(
  METRICS.flatMap(({ name, type, labels = [] }) => {
    const own = new Set([...labels, 'instance', 'job']);
    if (type !== 'histogram') return [[name, own]];
    return ['_bucket', '_sum', '_count'].map((end): [string, ReadonlySet<string>] => [
      name + end,
      end === '_bucket' ? new Set([...own, 'le']) : own,
    ]);
  }),
);
SERIES.set('up', new Set(['job', 'instance']));

/** What is wrong with an expression: it cannot be read, or names a series or a label that there is not. */
function faultsOf(given: string): readonly string[] {
  const expression = given.replaceAll('$__rate_interval', '5m');
  const tree = parser.parse(expression);
  const faults: string[] = [];
  const names: string[] = [];
  const labels: string[] = [];
  tree.iterate({
    enter(node) {
      const text = expression.slice(node.from, node.to);
      if (node.type.isError)
        faults.push(`cannot be read near ${JSON.stringify(expression.slice(node.from, node.from + 20))}`);
      if (node.name === 'VectorSelector') names.push(/^[\w:]+/.exec(text)?.[0] ?? text);
      if (node.name === 'LabelName') labels.push(text);
    },
  });
  const known = new Set(names.flatMap((name) => [...(SERIES.get(name) ?? [])]));
  if (names.length === 0) faults.push('asks for nothing');
  faults.push(...names.filter((name) => !SERIES.has(name)).map((name) => `no metric ${name}`));
  faults.push(...labels.filter((label) => !known.has(label)).map((label) => `no label ${label}`));
  return faults;
}

test('an expression with a metric, a label or a bracket that is not there is found', () => {
  expect(faultsOf('sum by (currency) (tollkeeper_deficit)')).toEqual([]);
  expect(faultsOf('tollkeeper_deficits')).toEqual(['no metric tollkeeper_deficits']);
  expect(faultsOf('sum by (account) (tollkeeper_deficit)')).toEqual(['no label account']);
  expect(faultsOf('tollkeeper_wallets{state="frozen"}')).toEqual(['no label state']);
  expect(faultsOf('tollkeeper_time_to_clear_seconds')).toEqual(['no metric tollkeeper_time_to_clear_seconds']);
  expect(faultsOf('sum(tollkeeper_deficit')).not.toEqual([]);
});

describe('alert rules', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))('%s asks for metrics that are there', (_, { expr }) => {
    expect(faultsOf(expr)).toEqual([]);
  });

  test('have names of their own, and say what to do', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { annotations } of rules) expect(annotations.action.length).toBeGreaterThan(10);
  });
});

describe('the dashboard', () => {
  const asked = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

  test.each(asked)('%s asks for metrics that are there: %s', (_, expr) => {
    expect(faultsOf(expr)).toEqual([]);
  });

  test('shows every metric somewhere, says what each panel means, and puts none over another', () => {
    const text = asked.map(([, expr]) => expr).join('\n');
    const unseen = METRICS.map(({ name }) => name).filter(
      (name) => !new RegExp(`\\b${name}(?:_bucket|_count|_sum)?\\b`).test(text),
    );
    // How many wallets there are is no figure to watch.
    expect(unseen).toEqual(['tollkeeper_wallets']);
    for (const { type, title, description } of panels) if (type !== 'row') expect(description, title).toBeTruthy();
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
  });
});
