import type { SeedReport } from './run.ts';

/** What all seeds of a run came to. */
export interface Summary {
  readonly seeds: number;
  readonly steps: number;
  readonly seconds: number;
  readonly operations: Readonly<Record<string, number>>;
  readonly seen: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly exercised: Readonly<Record<string, number>>;
  readonly failures: readonly {
    readonly seed: number;
    readonly step: number;
    readonly property: string;
    readonly detail: string;
    readonly trace: string;
  }[];
}

export function summarise(reports: readonly SeedReport[], seconds: number): Summary {
  return {
    seeds: reports.length,
    steps: reports.reduce((sum, { steps }) => sum + steps, 0),
    seconds,
    operations: added(reports.map(({ operations }) => operations)),
    seen: added(reports.map(({ seen }) => seen)),
    faults: added(reports.map(({ faults }) => faults)),
    exercised: added(reports.map(({ exercised }) => exercised)),
    failures: reports.flatMap(({ seed, trace, failure }) =>
      failure === undefined
        ? []
        : [{ seed, step: failure.step, property: failure.property, detail: failure.detail, trace }],
    ),
  };
}

function added(maps: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const map of maps) for (const [name, count] of map) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/** What failed and how to see it again. */
export function failureText(report: SeedReport, engine: string): string {
  const { seed, failure } = report;
  if (failure === undefined) return '';
  const onEngine = engine === 'memory' ? '' : ` --engine ${engine}`;
  return [
    `seed ${seed}, step ${failure.step}: ${[failure.property, ...failure.also].join('; ')}`,
    `  ${failure.detail}`,
    ...failure.last.map((line) => `    ${line}`),
    `  Again: npm run simulate -- --seed ${seed} --until ${failure.step}${onEngine}`,
  ].join('\n');
}

/** The one line at the end. */
export function summaryLine(summary: Summary): string {
  const { seeds, steps, seconds, failures } = summary;
  const rate = Math.round(steps / Math.max(seconds, 0.001));
  const verdict = failures.length === 0 ? 'every property held' : `${failures.length} seeds failed`;
  return [
    `${verdict}: ${steps} steps of ${seeds} seeds in ${seconds.toFixed(1)} s (${rate} steps/s)`,
    `operations ${list(summary.operations)}`,
    `events and changes ${list(summary.seen)}`,
    `faults ${list(summary.faults)}`,
    `looked at ${list(summary.exercised)}`,
  ].join('; ');
}

function list(counts: Readonly<Record<string, number>>): string {
  const names = Object.keys(counts).sort();
  return names.length === 0 ? 'none' : names.map((name) => `${name} ${counts[name]}`).join(', ');
}
