import { Counter, Histogram, Registry } from 'prom-client';
import type { BatchRecord } from '../../pipeline/lane/batch-record.ts';

/** One metric that this process counts itself. */
export interface ProcessMetric {
  readonly name: string;
  readonly type: 'counter' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
}

const EVENTS = {
  name: 'tollkeeper_usage_events_total',
  type: 'counter',
  help: 'Usage events this process has committed, by status: posted, duplicate, or why they were not posted.',
  labels: ['status'],
} as const satisfies ProcessMetric;
const BATCHES = {
  name: 'tollkeeper_usage_batches_total',
  type: 'counter',
  help: 'Ledger transactions of usage this process has committed.',
} as const satisfies ProcessMetric;
const DECISIONS = {
  name: 'tollkeeper_decisions_total',
  type: 'counter',
  help: 'Decisions other than allow that this process has stored, by outcome.',
  labels: ['outcome'],
} as const satisfies ProcessMetric;
const CLEAR = {
  name: 'tollkeeper_time_to_clear_seconds',
  type: 'histogram',
  help: 'How long usage takes: posted (from when it occurred; up to 16 events of each batch), exported (from posted to taken by the meter), confirmed (from taken to counted).',
  labels: ['stage'],
} as const satisfies ProcessMetric;
const HTTP = {
  name: 'tollkeeper_http_request_seconds',
  type: 'histogram',
  help: 'How long requests took, by route, method and class of status.',
  labels: ['route', 'method', 'status'],
} as const satisfies ProcessMetric;

/** All metrics this process counts itself, in the order of their page of docs. */
export const PROCESS_METRICS: readonly ProcessMetric[] = [EVENTS, BATCHES, DECISIONS, CLEAR, HTTP];

// From a batch's own time to the 35 days that usage may be late.
const CLEAR_BUCKETS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 7_200, 21_600, 86_400, 604_800, 3_024_000,
];
const HTTP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const SAMPLES_PER_BATCH = 16;

/** What the parts of a process tell of their work. */
export interface ProcessMetrics {
  readonly registry: Registry;
  readonly onCommit: (batch: Pick<BatchRecord, 'facts' | 'decisions' | 'clockMs'>) => void;
  readonly onResponse: (response: {
    readonly route: string;
    readonly method: string;
    readonly status: number;
    readonly ms: number;
  }) => void;
  /** Milliseconds each event took. */
  readonly onCleared: (stage: 'exported' | 'confirmed', tookMs: readonly number[]) => void;
}

/** Counters and histograms of this process. Labels are statuses and route patterns, never what customers write. */
export function createProcessMetrics(): ProcessMetrics {
  const registry = new Registry();
  const counter = ({ name, help, ...rest }: ProcessMetric) =>
    new Counter({ name, help, labelNames: [...(rest.labels ?? [])], registers: [registry] });
  const events = counter(EVENTS);
  const batches = counter(BATCHES);
  const decisions = counter(DECISIONS);
  const histogram = ({ name, help, labels = [] }: ProcessMetric, buckets: readonly number[]) =>
    new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] });
  const clear = histogram(CLEAR, CLEAR_BUCKETS);
  const http = histogram(HTTP, HTTP_BUCKETS);
  return {
    registry,
    onCommit({ facts, decisions: made, clockMs }) {
      batches.inc();
      const byStatus = new Map<string, number>();
      for (const { status } of facts) byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      for (const [status, count] of byStatus) events.inc({ status }, count);
      for (const { outcome } of made) decisions.inc({ outcome });
      // Looking at every event of a large batch would cost more than it tells.
      const step = Math.max(1, Math.ceil(facts.length / SAMPLES_PER_BATCH));
      for (let at = 0; at < facts.length; at += step) {
        const fact = facts[at];
        if (fact?.status !== 'posted') continue;
        clear.observe({ stage: 'posted' }, Math.max(0, clockMs - fact.item.event.occurredAtMs) / 1_000);
      }
    },
    onResponse({ route, method, status, ms }) {
      http.observe({ route, method, status: `${Math.floor(status / 100)}xx` }, ms / 1_000);
    },
    onCleared(stage, tookMs) {
      for (const ms of tookMs) clear.observe({ stage }, Math.max(0, ms) / 1_000);
    },
  };
}
