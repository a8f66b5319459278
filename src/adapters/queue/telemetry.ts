import { ProxyTracerProvider, trace } from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';

/**
 * What carries traces with jobs, when somebody has registered a provider of traces in this process; undefined, and nothing
 * of it loaded, otherwise.
 */
export async function openTelemetry(): Promise<Telemetry | undefined> {
  const provider = trace.getTracerProvider();
  const isRegistered =
    !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('tollkeeper') !== undefined;
  if (!isRegistered) return undefined;
  const { BullMQOtel } = await import('bullmq-otel');
  return new BullMQOtel({ tracerName: 'tollkeeper' }) as unknown as Telemetry;
}
