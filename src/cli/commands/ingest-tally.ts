import { cleanText } from '../../domain/text/clean.ts';
import type { ReportedStatus } from '../../wire/intake.ts';
import type { IngestJob } from '../ingest/batch-jobs.ts';
import { LIMIT, LIMIT_MAX } from '../options.ts';
import type { Answer } from '../output/print.ts';
import { type Column, table } from '../output/table.ts';
import { count, inWords } from '../output/words.ts';

/** Rejected events listed one by one; the rest are counted by their reason. */
const REJECTED_SHOWN = 10;

interface RejectedLine {
  readonly line: number;
  readonly id: string | null;
  readonly code: string;
  readonly field: string;
  readonly value: string;
  readonly fix: string;
}

/** Counts what became of a file's events, and keeps the first ones that need a correction in the file. */
export class IngestTally {
  #events = 0;
  #unreadable = 0;
  readonly #statuses = { posted: 0, duplicate: 0, quarantined: 0, rejected: 0 };
  #duplicateMaybeOwn = 0;
  readonly #codes = { quarantined: new Map<string, number>(), rejected: new Map<string, number>() };
  readonly #rejected: RejectedLine[] = [];
  #run: string | undefined;

  /** Events counted so far. */
  get events(): number {
    return this.#events;
  }

  /** Events that were rejected, or, of a file that was only read, lines that would be. */
  get refused(): number {
    return this.#run === undefined ? this.#unreadable : this.#statuses.rejected;
  }

  /** The name under which what is rejected from now on can be looked up. */
  startRun(run: string): void {
    this.#run = run;
  }

  /** A job that was read and not sent. */
  addUnsent(job: IngestJob): void {
    this.#events += job.lines.length;
    this.#unreadable += job.unreadable;
  }

  add(job: IngestJob, statuses: readonly ReportedStatus[]): void {
    this.addUnsent(job);
    statuses.forEach((status, index) => {
      this.#statuses[status.status]++;
      if (status.status === 'duplicate' && status.redelivered === true) this.#duplicateMaybeOwn++;
      if (!('code' in status)) return;
      const codes = this.#codes[status.status];
      codes.set(status.code, (codes.get(status.code) ?? 0) + 1);
      if (status.status !== 'rejected') return;
      const { id, code, field, value, fix } = status;
      this.#keep({ line: job.lines[index] ?? 0, id, code, field, value, fix });
    });
  }

  answer(dryRun: boolean): Answer {
    const counts = { events: this.#events, unreadable: this.#unreadable };
    if (dryRun) {
      const text = `${count(this.#events, 'event')} read, ${this.#unreadable} of them unreadable. Dry run: nothing was sent.`;
      return { json: { dryRun, ...counts }, text };
    }
    return {
      json: {
        dryRun,
        ...counts,
        run: this.#run ?? null,
        ...this.#statuses,
        duplicateAfterInterruption: this.#duplicateMaybeOwn,
        reasons: Object.fromEntries([...this.#codes.quarantined, ...this.#codes.rejected]),
        firstRejected: this.#rejected,
      },
      text: this.#text(),
    };
  }

  // Jobs finish in any order; the lines people should look at first are the first ones of the file.
  #keep(line: RejectedLine): void {
    this.#rejected.push(line);
    this.#rejected.sort((left, right) => left.line - right.line);
    this.#rejected.splice(REJECTED_SHOWN);
  }

  #text(): string {
    const { posted, duplicate, quarantined, rejected } = this.#statuses;
    const number = (value: number) => value.toLocaleString('en-US');
    const lines = [
      `${count(this.#events, 'event')}: posted ${number(posted)}, duplicate ${number(duplicate)}, quarantined ${number(quarantined)}, rejected ${number(rejected)}.`,
    ];
    if (this.#duplicateMaybeOwn > 0) {
      lines.push(
        `Of the duplicates ${number(this.#duplicateMaybeOwn)} were in jobs that the pipeline was interrupted in: this run may have posted them itself just before.`,
      );
    }
    const quarantine = this.#codes.quarantined;
    if (quarantine.size > 0) lines.push(`Quarantined: ${ranked(quarantine, (code) => inWords(cleanText(code)))}.`);
    // Codes are what people search for in the docs: they are shown as they are.
    if (this.#codes.rejected.size > 0) lines.push(`Rejected: ${ranked(this.#codes.rejected, cleanText)}.`);
    if (this.#rejected.length > 0) lines.push('', ...this.#rejectedLines());
    return lines.join('\n');
  }

  #rejectedLines(): readonly string[] {
    const { rejected } = this.#statuses;
    const shown = this.#rejected.length;
    const isAll = shown === rejected;
    const total = rejected.toLocaleString('en-US');
    const lines = [`The ${isAll ? total : `first ${shown} of ${total}`} rejected:`, table(COLUMNS, this.#rejected)];
    if (this.#run !== undefined) {
      const limit = rejected > LIMIT ? ` --limit ${Math.min(rejected, LIMIT_MAX)}` : '';
      const command = `tollkeeper events rejected --run ${this.#run}${limit}`;
      lines.push('', `${isAll ? 'They are kept' : `All ${total}`}: ${command}`);
    }
    return lines;
  }
}

const COLUMNS: readonly Column<RejectedLine>[] = [
  { head: 'LINE', align: 'right', cell: ({ line }) => String(line) },
  { head: 'ID', columnsMax: 32, cell: ({ id }) => id ?? '–' },
  { head: 'CODE', cell: ({ code }) => code },
  { head: 'FIELD', columnsMax: 24, cell: ({ field }) => field },
  { head: 'VALUE', columnsMax: 32, cell: ({ value }) => value },
  { head: 'FIX', columnsMax: 90, cell: ({ fix }) => fix },
];

/** The most frequent first. */
function ranked(codes: ReadonlyMap<string, number>, named: (code: string) => string): string {
  const entries = [...codes].sort((left, right) => right[1] - left[1]);
  return entries.map(([code, events]) => `${named(code)} ${events.toLocaleString('en-US')}`).join(', ');
}
