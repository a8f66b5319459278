import { Presets, SingleBar } from 'cli-progress';
import { count, seconds } from '../demo/report-values.ts';

/** Where progress goes, normally stderr. `isTTY` decides between a bar and lines. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Tells a person how far a long run is. Always on stderr: stdout is for data. */
export interface Progress {
  /** How many are done in all; may be called as often as is convenient. */
  update(done: number): void;
  /** Leaves the last state on the screen; with a number, that many were done and no more are to come. */
  finish(done?: number): void;
  /** Says nothing more, and leaves the next line free. */
  abandon(): void;
}

/** How often a line is written where there is no terminal: rarely enough for a build log. */
const LINE_EVERY_MS = 5_000;

export interface ProgressOptions {
  readonly label: string;
  /** Undefined when nobody can know, as for stdin: then the pace is shown and no end. */
  readonly total: number | undefined;
  /** The total is an estimate. */
  readonly isAbout?: boolean;
  readonly stream: ProgressStream;
  /** With `--json` or `--quiet`: nothing is written. */
  readonly silent: boolean;
  /** What is counted; events unless said otherwise. */
  readonly unit?: string;
  /** Milliseconds; the wall clock unless a test says otherwise. */
  readonly now?: () => number;
}

const SILENT: Progress = { update: () => undefined, finish: () => undefined, abandon: () => undefined };

/** A bar with events per second and the time left on a terminal, otherwise a plain line every few seconds. */
export function createProgress(options: ProgressOptions): Progress {
  if (options.silent) return SILENT;
  const { total } = options;
  if (total === undefined || options.stream.isTTY !== true) return lineProgress(options);
  return barProgress({ ...options, total });
}

function barProgress({
  label,
  total,
  stream,
  unit = 'events',
  now = Date.now,
}: ProgressOptions & { readonly total: number }): Progress {
  const startedMs = now();
  const bar = new SingleBar(
    {
      format: `${label}  {bar}  {percentage} %  {rate} ${unit}/s  {left}`,
      stream,
      fps: 10,
      barsize: 28,
      // Ctrl-C belongs to the program. A bar that does not hear of it must not hide the cursor either.
      gracefulExit: false,
      hideCursor: false,
      noTTYOutput: false,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0, { rate: '0', left: '' });
  const update = (done: number) => bar.update(Math.min(done, total), paceOf(done, total, now() - startedMs));
  return {
    update,
    finish(done) {
      if (done !== undefined) {
        bar.setTotal(done);
        bar.update(done, paceOf(done, done, now() - startedMs));
      }
      bar.stop();
    },
    abandon: () => bar.stop(),
  };
}

function lineProgress({
  label,
  total,
  isAbout = false,
  stream,
  unit = 'events',
  now = Date.now,
}: ProgressOptions): Progress {
  const startedMs = now();
  let lastMs = startedMs;
  let lastWritten = '';
  let isAbandoned = false;
  const write = (done: number, of = total, about = isAbout) => {
    const { rate, left } = paceOf(done, of, now() - startedMs);
    const counted =
      of === undefined
        ? count(done)
        : `${percentOf(done, of)} %, ${count(done)} of ${about ? 'about ' : ''}${count(of)}`;
    if (counted === lastWritten) return;
    lastWritten = counted;
    stream.write(`${label} ${counted}, ${rate} ${unit}/s${left === '' ? '' : `, ${left}`}\n`);
  };
  let latest = 0;
  return {
    update(done) {
      latest = done;
      if (isAbandoned || now() - lastMs < LINE_EVERY_MS) return;
      lastMs = now();
      write(done);
    },
    finish(done) {
      if (isAbandoned) return;
      if (done === undefined) write(latest);
      else write(done, total === undefined ? undefined : done, false);
    },
    abandon() {
      isAbandoned = true;
    },
  };
}

function percentOf(done: number, total: number): number {
  return total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
}

/** Events per second so far, and what is left at that pace; no promise before the first second. */
export function paceOf(
  done: number,
  total: number | undefined,
  elapsedMs: number,
): { readonly rate: string; readonly left: string } {
  if (done <= 0 || elapsedMs <= 0) return { rate: '0', left: '' };
  const rate = done / (elapsedMs / 1000);
  const leftMs = (((total ?? 0) - done) / rate) * 1000;
  const left = elapsedMs < 1000 || total === undefined || done >= total ? '' : `${seconds(leftMs)} left`;
  return { rate: count(rate), left };
}
