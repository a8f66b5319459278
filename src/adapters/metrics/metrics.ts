import { Gauge, Registry } from 'prom-client';
import { BOOK_FIGURES, type BookFigure, type FigureRow, type FigureSources } from './book-figures.ts';
import { PROCESS_METRICS, type ProcessMetric, type ProcessMetrics } from './process-metrics.ts';

/** Names and meanings of everything at `/metrics`, for their page of docs and for whoever asks for them by name. */
export const METRICS: readonly (ProcessMetric | Omit<BookFigure, 'read'>)[] = [...PROCESS_METRICS, ...BOOK_FIGURES];

/** How long figures are used again: however often somebody asks, the database is asked four times a minute. */
const FRESH_MS = 15_000;

/**
 * Figures of the books and of this process as text for Prometheus. What cannot be read is thrown: no figure is better than an
 * old one.
 */
export function createMetrics(sources: FigureSources, now: () => number, ofProcess?: ProcessMetrics) {
  const registry = new Registry();
  const gauges = BOOK_FIGURES.map((figure) => ({
    figure,
    gauge: new Gauge({
      name: figure.name,
      help: figure.help,
      labelNames: [...(figure.labels ?? [])],
      registers: [registry],
    }),
    readAtMs: Number.NEGATIVE_INFINITY,
  }));
  const all = ofProcess === undefined ? registry : Registry.merge([ofProcess.registry, registry]);
  let reading: Promise<void> | undefined;
  const readAll = async () => {
    for (const one of gauges) {
      if (now() - one.readAtMs < (one.figure.everyMs ?? FRESH_MS)) continue;
      const rows = await one.figure.read(sources);
      one.readAtMs = now();
      // What has gone since the last time must not be told again.
      one.gauge.reset();
      // Without labels a reset leaves zero, which would be a figure nobody has read.
      if (rows.length === 0 && (one.figure.labels ?? []).length === 0) one.gauge.remove();
      for (const row of rows) one.gauge.set(labelsOf(one.figure, row), Number(row.value));
    }
  };
  return {
    contentType: registry.contentType,
    async read() {
      // Several who ask at once wait for one reading.
      reading ??= readAll().finally(() => {
        reading = undefined;
      });
      await reading;
      return all.metrics();
    },
  };
}

function labelsOf({ labels = [] }: BookFigure, row: FigureRow) {
  return Object.fromEntries(labels.map((label) => [label, String(row[label])]));
}
