import { cleanText } from '../../domain/text/clean.ts';
import type { ReportedStatus } from '../../wire/intake.ts';
import type { IngestJob } from '../ingest/batch-jobs.ts';
import type { Answer } from '../output/print.ts';
import { table } from '../output/table.ts';
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
  readonly #reasons = new Map<string, number>();
  readonly #rejected: RejectedLine[] = [];

  /** Events counted so far. */
  get events(): number {
    return this.#events;
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
      if (!('code' in status)) return;
      this.#reasons.set(status.code, (this.#reasons.get(status.code) ?? 0) + 1);
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
        ...this.#statuses,
        reasons: Object.fromEntries(this.#reasons),
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
    if (this.#reasons.size > 0) {
      const reasons = [...this.#reasons].sort((left, right) => right[1] - left[1]);
      lines.push(
        `Reasons: ${reasons.map(([code, events]) => `${inWords(cleanText(code))} ${number(events)}`).join(', ')}.`,
      );
    }
    if (this.#rejected.length > 0) {
      const columns = [
        { head: 'LINE', align: 'right', cell: ({ line }: RejectedLine) => String(line) },
        { head: 'CODE', cell: ({ code }: RejectedLine) => code },
        { head: 'FIELD', cell: ({ field }: RejectedLine) => field },
        { head: 'VALUE', columnsMax: 32, cell: ({ value }: RejectedLine) => value },
        { head: 'FIX', columnsMax: 90, cell: ({ fix }: RejectedLine) => fix },
      ] as const;
      lines.push('', `The first ${this.#rejected.length} rejected:`, table(columns, this.#rejected));
    }
    return lines.join('\n');
  }
}
