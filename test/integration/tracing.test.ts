import { context, propagation, type TextMapPropagator, TraceFlags, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, inject, onTestFinished, test } from 'vitest';
import { openTelemetry } from '../../src/adapters/queue/telemetry.ts';
import { USAGE_QUEUE } from '../../src/queues.ts';
import { until } from '../support/poll.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { runService } from '../support/run-service.ts';

afterEach(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

/** The header `traceparent` of W3C Trace Context, as any set-up of OpenTelemetry writes it. */
const traceparent: TextMapPropagator = {
  fields: () => ['traceparent'],
  inject(active, carrier, setter) {
    const span = trace.getSpanContext(active);
    if (span !== undefined) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
  },
  extract(active, carrier, getter) {
    const [, traceId = '', spanId = ''] = String(getter.get(carrier, 'traceparent') ?? '').split('-');
    return trace.setSpanContext(active, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
  },
};

const event = (id: string) => ({
  id,
  source: 'trace',
  account: 'acme',
  meter: 'api.calls',
  quantity: 1,
  occurredAt: new Date().toISOString(),
});

test('nothing is traced while nobody has registered a provider', async () => {
  expect(await openTelemetry()).toBeUndefined();
});

test('a trace goes with a usage job, from whoever adds it to the process that posts it', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(traceparent);
  const database = await createTestDatabase();
  const prefix = `trace-${process.pid}`;
  const running = await runService({ databaseUrl: database.connectionString, redisUrl: inject('redisUrl'), prefix });
  const queue = running.engine.queues.openQueue(USAGE_QUEUE.name);
  onTestFinished(async () => {
    await queue.close();
    await running.close();
    await database.drop();
  });
  const tracer = trace.getTracer('a metering service');
  const traceId = await tracer.startActiveSpan('serve a request', async (span) => {
    await queue.addJobs([{ id: 'traced', data: { v: 1, events: [event('t1')] } }]);
    span.end();
    return span.spanContext().traceId;
  });
  await until('the job is done', async () => (await queue.find('traced'))?.isDone === true);
  await until('the span has ended', async () =>
    exporter.getFinishedSpans().some(({ name }) => name.startsWith('process')),
  );
  const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  const names = spans.map(({ name }) => name);
  expect(names).toContain('serve a request');
  expect(names.some((name) => name.startsWith('add') && name.includes('usage'))).toBe(true);
  expect(names.some((name) => name.startsWith('process usage'))).toBe(true);
});
