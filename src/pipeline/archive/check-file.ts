import { createHash } from 'node:crypto';
import { ArchiveTally } from '../../domain/archive/archive-tally.ts';
import { type ArchivedEntry, parseEntryLine } from '../../domain/archive/archived-entry.ts';
import type { Manifest } from '../../domain/archive/manifest.ts';
import { lowestKeyAt } from '../../domain/events/event-key.ts';
import { DAY_MS } from '../../domain/time.ts';
import type { BatchFigure } from './archive-store.ts';
import { linesOf } from './lines.ts';

/** What a file was found to contain, and everything that is wrong with it. */
export interface FileCheck {
  readonly day: string;
  readonly rows: number;
  readonly sums: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
}

/** Faults named of one file: enough to start looking. */
const FAULTS_MAX = 5;

/**
 * Reads a file from its first to its last byte and compares it with its manifest, and with the ledger's own figures when
 * they are given: hash, rows, sums per currency, first and last key, and every ledger transaction's part of the day.
 */
export async function checkFile(
  manifest: Manifest,
  content: AsyncIterable<Buffer>,
  figures?: AsyncIterable<BatchFigure>,
): Promise<FileCheck> {
  const faults: string[] = [];
  const hash = createHash('sha256');
  const tally = new ArchiveTally();
  const comparison = figures === undefined ? undefined : new FigureComparison(figures, faults);
  let [line, bytes, previous]: [number, number, ArchivedEntry | undefined] = [0, 0, undefined];
  const hashed = async function* () {
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  for await (const lines of linesOf(hashed())) {
    for (const text of lines) {
      line++;
      const entry = parseEntryLine(text);
      if (entry === undefined) {
        faults.push(`line ${line} is not an entry`);
        continue;
      }
      if (previous !== undefined && !isAfter(entry, previous)) faults.push(`line ${line} is out of order`);
      previous = entry;
      tally.add(entry);
      await comparison?.add(entry);
    }
    if (faults.length > FAULTS_MAX) break;
  }
  if (faults.length <= FAULTS_MAX) {
    await comparison?.finish();
    faults.push(...compare(manifest, tally, { sha256: hash.digest('hex'), bytes }));
  }
  return { day: manifest.day, rows: tally.rows, sums: tally.sums, faults: faults.slice(0, FAULTS_MAX) };
}

function compare(manifest: Manifest, tally: ArchiveTally, read: { readonly sha256: string; readonly bytes: number }) {
  const startMs = Date.parse(`${manifest.day}T00:00:00.000Z`);
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['rows', tally.rows, manifest.rows],
    ['sums', sumsText(tally.sums), sumsText(manifest.sums)],
    ['first key', tally.firstKey, manifest.firstKey],
    ['last key', tally.lastKey, manifest.lastKey],
    ['bytes', read.bytes, manifest.contentBytes],
    ['SHA-256', read.sha256, manifest.sha256],
  ];
  const faults = pairs.flatMap(([what, found, told]) =>
    found === told ? [] : [`${what}: the file has ${found}, the manifest says ${told}`],
  );
  const outside =
    (tally.firstKey !== null && tally.firstKey < lowestKeyAt(startMs)) ||
    (tally.lastKey !== null && tally.lastKey >= lowestKeyAt(startMs + DAY_MS));
  return outside ? [...faults, `there are entries of other days than ${manifest.day}`] : faults;
}

/** The file's order is what lets a proof merge days without keeping them in memory. */
function isAfter(entry: ArchivedEntry, previous: ArchivedEntry): boolean {
  if (entry.lane !== previous.lane) return entry.lane > previous.lane;
  if (entry.batchNo !== previous.batchNo) return entry.batchNo > previous.batchNo;
  if (entry.walletId !== previous.walletId) return entry.walletId > previous.walletId;
  return entry.seq > previous.seq;
}

/** `USD -12, EUR 3`, in the order of names: equal sums are equal texts. */
export function sumsText(sums: Readonly<Record<string, string>>): string {
  const names = Object.keys(sums).sort();
  return names.length === 0 ? 'nothing' : names.map((name) => `${name} ${sums[name]}`).join(', ');
}

/** Compares the file with the ledger, one ledger transaction at a time. */
class FigureComparison {
  readonly #figures: AsyncIterator<BatchFigure>;
  readonly #faults: string[];
  #next: IteratorResult<BatchFigure> | undefined;
  #batch: { lane: number; batchNo: bigint } | undefined;
  #parts = new Map<string, { entries: bigint; amount: bigint }>();

  constructor(figures: AsyncIterable<BatchFigure>, faults: string[]) {
    this.#figures = figures[Symbol.asyncIterator]();
    this.#faults = faults;
  }

  async add({ lane, batchNo, kind, currency, amount }: ArchivedEntry): Promise<void> {
    if (this.#batch === undefined || this.#batch.lane !== lane || this.#batch.batchNo !== batchNo) {
      await this.#endBatch();
      this.#batch = { lane, batchNo };
    }
    const name = `kind ${kind} ${currency}`;
    const part = this.#parts.get(name) ?? { entries: 0n, amount: 0n };
    this.#parts.set(name, { entries: part.entries + 1n, amount: part.amount + amount });
  }

  async finish(): Promise<void> {
    await this.#endBatch();
    const next = this.#next ?? (await this.#figures.next());
    if (next.done !== true) this.#missing(next.value);
  }

  async #endBatch(): Promise<void> {
    if (this.#batch === undefined) return;
    const { lane, batchNo } = this.#batch;
    const where = `lane ${lane} batch ${batchNo}`;
    this.#next ??= await this.#figures.next();
    while (this.#next.done !== true && isBefore(this.#next.value, lane, batchNo)) {
      this.#missing(this.#next.value);
      this.#next = await this.#figures.next();
    }
    while (this.#next.done !== true && this.#next.value.lane === lane && this.#next.value.batchNo === batchNo) {
      const { kind, currency, entries, amount } = this.#next.value;
      const name = `kind ${kind} ${currency}`;
      const part = this.#parts.get(name);
      this.#parts.delete(name);
      if (part?.entries !== entries || part.amount !== amount) {
        this.#faults.push(
          `${where} ${name}: the ledger has ${entries} entries worth ${amount} nanos, the file differs`,
        );
      }
      this.#next = await this.#figures.next();
    }
    for (const name of this.#parts.keys()) this.#faults.push(`${where} ${name} is not in the ledger`);
    this.#parts = new Map();
  }

  #missing({ lane, batchNo }: BatchFigure): void {
    this.#faults.push(`lane ${lane} batch ${batchNo} is not in the file`);
  }
}

function isBefore(figure: BatchFigure, lane: number, batchNo: bigint): boolean {
  return figure.lane < lane || (figure.lane === lane && figure.batchNo < batchNo);
}
