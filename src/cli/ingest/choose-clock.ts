import { ARRIVAL_PROPERTY } from '../../domain/events/event-key.ts';
import type { IngestLine } from './ingest-line.ts';

/** `auto` takes the file's clock when its first event says when it arrived: old usage would be too late by ours. */
export type ClockChoice = 'auto' | 'wall' | 'file';

/**
 * Looks at the first event that can be read, and hands all lines on. A file that gives nothing at all throws here, before
 * anything is opened for it.
 */
export async function chooseClock(
  lines: AsyncIterable<IngestLine>,
  choice: ClockChoice,
): Promise<{ readonly clock: 'wall' | 'file'; readonly lines: AsyncIterable<IngestLine> }> {
  const iterator = lines[Symbol.asyncIterator]();
  const head: IngestLine[] = [];
  let failure: { readonly error: unknown } | undefined;
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) break;
      head.push(next.value);
      if ('raw' in next.value || choice !== 'auto') break;
    }
  } catch (error) {
    if (head.length === 0) throw error;
    // A damaged file is reported where it breaks off, after the lines before the damage.
    failure = { error };
  }
  return { clock: choice === 'auto' ? clockOf(head.at(-1)) : choice, lines: rejoin(head, iterator, failure) };
}

function clockOf(first: IngestLine | undefined): 'wall' | 'file' {
  return first !== undefined && 'raw' in first && hasArrival(first.raw) ? 'file' : 'wall';
}

async function* rejoin(
  head: readonly IngestLine[],
  rest: AsyncIterator<IngestLine>,
  failure: { readonly error: unknown } | undefined,
): AsyncIterable<IngestLine> {
  yield* head;
  if (failure !== undefined) throw failure.error;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

function hasArrival(raw: unknown): boolean {
  if (typeof raw !== 'object' || raw === null || !('properties' in raw)) return false;
  const { properties } = raw;
  return typeof properties === 'object' && properties !== null && ARRIVAL_PROPERTY in properties;
}
