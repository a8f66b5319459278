import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { formatIso } from '../../domain/time.ts';
import type { History, HistoryEvent } from '../../pipeline/backtest/history-event.ts';
import { createMinHeap } from '../demo/min-heap.ts';
import type { Forged } from './attack.ts';
import type { Planned } from './plan-attacks.ts';
import type { HistoryProfile } from './profile.ts';

/** An event on its way into the file. */
interface Waiting {
  readonly event: HistoryEvent;
  readonly scheme: Planned | undefined;
  readonly lossNanos: number;
  readonly order: number;
}

/** What was written of one scheme. */
interface Tally {
  events: number;
  lossNanos: number;
}

/** What was written. */
export interface Written {
  readonly events: number;
  readonly injected: number;
  readonly changed: number;
  readonly dropped: number;
  readonly lossNanos: number;
}

const NANOS = 1e9;
const CHUNK_LINES = 2_000;

/**
 * Writes the history with its attacks in arrival order, and what is known about them: `events.ndjson.gz`, `labels.csv`,
 * `fraud.csv` (which lines were stolen), `benign.csv` (look-alikes) and `meta.json`.
 */
export async function writeAttacked(
  directory: string,
  history: History,
  profile: HistoryProfile,
  schemes: readonly Planned[],
  settings: { readonly seed: number; readonly difficulty: number; readonly scoreFromMs: number },
  tell: (events: number) => void,
): Promise<Written> {
  await mkdir(directory, { recursive: true });
  const writer = new Attacked(history, schemes, tell);
  await pipeline(writer.lines(), createGzip({ level: 1 }), createWriteStream(join(directory, 'events.ndjson.gz')));
  const attacks = schemes.filter(({ isHonest }) => !isHonest);
  await writeFile(join(directory, 'labels.csv'), labels(attacks, writer.tallies));
  await writeFile(join(directory, 'fraud.csv'), `line,attack_id,loss_usd\n${writer.fraud.join('')}`);
  await writeFile(join(directory, 'benign.csv'), benign(schemes.filter(({ isHonest }) => isHonest)));
  const meta = {
    ...settings,
    scoreFrom: formatIso(settings.scoreFromMs),
    start: formatIso(profile.firstMs),
    end: formatIso(profile.lastMs),
    accounts: profile.accounts.length,
    events: writer.written.events,
    attacks: attacks.length,
  };
  await writeFile(join(directory, 'meta.json'), `${JSON.stringify(meta, null, 1)}\n`);
  return writer.written;
}

/** Merges the history with what is injected, and keeps the books on it. */
class Attacked {
  readonly tallies = new Map<string, Tally>();
  readonly fraud: string[] = [];
  readonly written = { events: 0, injected: 0, changed: 0, dropped: 0, lossNanos: 0 };
  readonly #history: History;
  readonly #rewriting: readonly Planned[];
  readonly #tell: (events: number) => void;
  readonly #waiting = createMinHeap<Waiting>(
    (a, b) =>
      a.event.arrivedAtMs < b.event.arrivedAtMs || (a.event.arrivedAtMs === b.event.arrivedAtMs && a.order < b.order),
  );
  /** What was stolen by events that never arrived is told with the next one of the same source. */
  readonly #missing = new Map<string, { readonly scheme: Planned; lossNanos: number }>();
  #order = 0;
  #lines: string[] = [];

  constructor(history: History, schemes: readonly Planned[], tell: (events: number) => void) {
    this.#history = history;
    this.#tell = tell;
    this.#rewriting = schemes.filter(({ rewrite }) => rewrite !== undefined);
    for (const scheme of schemes) {
      for (const forged of scheme.injected) this.#wait(forged, scheme);
      this.written.injected += scheme.injected.length;
    }
  }

  async *lines(): AsyncGenerator<string> {
    let read = 0;
    for await (const block of this.#history.blocks()) {
      for (const event of block.events) {
        read++;
        this.#take(event);
        // What waits is written once nothing earlier can come: only what was injected or delayed is ever ahead.
        this.#release(event.arrivedAtMs);
        if (this.#lines.length >= CHUNK_LINES) yield this.#flush();
      }
      this.#tell(read);
    }
    this.#release(Number.POSITIVE_INFINITY);
    yield this.#flush();
  }

  #take(event: HistoryEvent): void {
    for (const scheme of this.#rewriting) {
      const changed = scheme.rewrite?.(event);
      if (changed === undefined) continue;
      if ('drop' in changed) {
        this.written.dropped++;
        const place = `${event.account}\n${event.source}`;
        const known = this.#missing.get(place);
        if (known === undefined) this.#missing.set(place, { scheme, lossNanos: changed.lossNanos });
        else known.lossNanos += changed.lossNanos;
        return;
      }
      this.written.changed++;
      this.#wait(changed, scheme);
      return;
    }
    this.#wait({ event, lossNanos: 0 }, undefined);
  }

  #wait({ event, lossNanos }: Forged, scheme: Planned | undefined): void {
    this.#waiting.push({ event, scheme, lossNanos, order: this.#order++ });
  }

  #release(untilMs: number): void {
    for (let next = this.#waiting.first(); next !== undefined; next = this.#waiting.first()) {
      if (next.event.arrivedAtMs > untilMs) return;
      this.#waiting.removeFirst();
      this.#write(next);
    }
  }

  #write({ event, scheme, lossNanos }: Waiting): void {
    const line = this.written.events++;
    this.#lines.push(`${JSON.stringify(wireEvent(event))}\n`);
    if (scheme !== undefined && !scheme.isHonest) this.#book(scheme, line, lossNanos);
    const place = `${event.account}\n${event.source}`;
    const missing = this.#missing.get(place);
    if (missing === undefined || event.sequence === undefined) return;
    this.#missing.delete(place);
    this.#book(missing.scheme, line, missing.lossNanos);
  }

  #book({ id }: Planned, line: number, lossNanos: number): void {
    this.fraud.push(`${line},${id},${dollars(lossNanos)}\n`);
    const tally = this.tallies.get(id) ?? { events: 0, lossNanos: 0 };
    tally.events++;
    tally.lossNanos += lossNanos;
    this.tallies.set(id, tally);
    this.written.lossNanos += lossNanos;
  }

  #flush(): string {
    const text = this.#lines.join('');
    this.#lines = [];
    return text;
  }
}

/** The event as `rules backtest --events` and `ingest --clock file` read it. */
function wireEvent(event: HistoryEvent): unknown {
  const { id, account, meter, quantity, occurredAtMs, arrivedAtMs, source, sequence, properties } = event;
  return {
    id,
    account,
    meter,
    quantity,
    timestamp: formatIso(occurredAtMs),
    source,
    ...(sequence === undefined ? {} : { seq: sequence }),
    properties: { ...properties, received_at: formatIso(arrivedAtMs) },
  };
}

function labels(attacks: readonly Planned[], tallies: ReadonlyMap<string, Tally>): string {
  const rows = attacks.map(({ id, family, accounts, sources, startMs, endMs }) => {
    const { events, lossNanos } = tallies.get(id) ?? { events: 0, lossNanos: 0 };
    const names = [accounts.join(';'), sources.join(';')].map(cell);
    return [id, family, ...names, formatIso(startMs), formatIso(endMs), events, dollars(lossNanos)].join(',');
  });
  return ['attack_id,family,accounts,sources,start,end,fraud_events,loss_usd', ...rows, ''].join('\n');
}

function benign(schemes: readonly Planned[]): string {
  const rows = schemes.flatMap(({ family, accounts, startMs, endMs }) =>
    accounts.map((account) => [family, cell(account), formatIso(startMs), formatIso(endMs)].join(',')),
  );
  return ['kind,account,start,end', ...rows, ''].join('\n');
}

/** A cell of a CSV file. Names come from customers, so what a spreadsheet would run is quoted and defused. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function dollars(nanos: number): string {
  return (nanos / NANOS).toFixed(4);
}
