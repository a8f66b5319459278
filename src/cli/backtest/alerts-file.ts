import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Sighting } from '../../domain/decisions/sightings.ts';
import { formatIso } from '../../domain/time.ts';
import { AppError } from '../../errors.ts';

/** Lines gathered before they are written: a write per line would cost more than the line. */
const LINES_PER_WRITE = 512;

/** Writes sightings as NDJSON lines `{account, at, score, rule}`; `at` is when the event that showed it arrived. */
export class AlertsFile {
  readonly #path: string;
  readonly #stream: ReturnType<typeof createWriteStream>;
  #lines: string[] = [];
  #failure: unknown;
  lines = 0;

  private constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(path);
    this.#stream.on('error', (error) => {
      this.#failure ??= error;
    });
  }

  /** Opens the file at once, so that a wrong path is told before an hour of reading. */
  static async open(path: string): Promise<AlertsFile> {
    const file = new AlertsFile(path);
    try {
      await once(file.#stream, 'open');
    } catch (cause) {
      throw new AppError('FILE_UNREADABLE', `${path} cannot be written.`, { cause });
    }
    return file;
  }

  add({ account, atMs, ruleId, score }: Sighting): void {
    const line = { account, at: formatIso(atMs), score, rule: ruleId };
    this.#lines.push(JSON.stringify(line));
    this.lines++;
    if (this.#lines.length >= LINES_PER_WRITE) this.#flush();
  }

  /** Resolves when everything is on its way to the disk; throws when it could not be written. */
  async close(): Promise<void> {
    this.#flush();
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#stream.on('error', () => resolve());
        this.#stream.end(resolve);
      });
    }
    if (this.#failure === undefined) return;
    throw new AppError('FILE_DAMAGED', `${this.#path} could not be written to its end.`, {
      cause: this.#failure,
      fix: 'Make room on the disk and run it again.',
    });
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    this.#stream.write(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}
