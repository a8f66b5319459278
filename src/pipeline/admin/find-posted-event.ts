import { type EventKey, parseEventKey } from '../../domain/events/event-key.ts';
import { AppError } from '../../errors.ts';
import type { FoundEvent, Occurrence } from '../queries/found-event.ts';
import type { Queries } from '../queries/queries.ts';
import type { AdminStore } from './admin-store.ts';
import type { PostedUsage } from './correction-store.ts';

/** The event a person means: by the id its source gave it, or by its key. */
export type EventReference =
  | { readonly tenant: string; readonly id: string; readonly source?: string; readonly account?: string }
  | { readonly tenant: string; readonly key: EventKey };

/**
 * The one posted event a reference means. `AppError`: EVENT_NOT_FOUND when nobody sent it, EVENT_NOT_POSTED when nothing
 * was charged for it, EVENT_AMBIGUOUS when it fits several.
 */
export async function findPostedEvent(
  { admin, queries }: { readonly admin: AdminStore; readonly queries: Queries },
  reference: EventReference,
): Promise<PostedUsage> {
  const key = 'key' in reference ? reference.key : await keyOf(queries, reference);
  const posted = await admin.corrections.findPosted(reference.tenant, key);
  if (posted !== undefined) return posted;
  throw new AppError('EVENT_NOT_FOUND', 'No posted usage has this key.', {
    fix: 'Find the key with `tollkeeper events show ID --json`; only posted usage can be corrected.',
  });
}

async function keyOf(queries: Queries, reference: Exclude<EventReference, { readonly key: EventKey }>) {
  const { id, ...filter } = reference;
  const found = await queries.findEvent(id, filter);
  if (found === undefined) throw new AppError('EVENT_NOT_FOUND', `There is no event ${JSON.stringify(id)}.`);
  const posted = found.occurrences.filter(({ status, entry }) => status === 'posted' && entry !== null);
  const keys = [...new Set(posted.flatMap(({ key }) => key ?? []))];
  const [key] = keys;
  if (key === undefined) throw notPosted(found);
  if (keys.length > 1) throw ambiguous(id, posted);
  return parseEventKey(key);
}

function ambiguous(id: string, posted: readonly Occurrence[]): AppError {
  const sources = new Set(posted.map(({ source }) => source));
  const fix =
    sources.size > 1
      ? `Name the source with --source: ${[...sources].map((source) => JSON.stringify(source)).join(', ')}.`
      : 'Name one with --event-key: `tollkeeper events show` with --json lists the keys.';
  return new AppError('EVENT_AMBIGUOUS', `Several events that were posted have the id ${JSON.stringify(id)}.`, { fix });
}

const WHY = {
  posted: 'has no entry',
  duplicate: 'only repeats an event that is not stored any more',
  quarantined: 'is in quarantine and was never charged',
  rejected: 'was rejected and never charged',
} as const;

const FIX = {
  posted: 'Report this event: it was posted and has no entry.',
  duplicate: 'Name the event it repeats with --event-key.',
  quarantined: 'Settle it with `tollkeeper quarantine post` or `tollkeeper quarantine void`.',
  rejected: 'Correct it at its source and send it again.',
} as const;

function notPosted({ id, status, occurrences }: FoundEvent): AppError {
  const isClosed = occurrences.some(({ quarantine }) => quarantine !== null && quarantine.status !== 'open');
  if (isClosed && (status === 'quarantined' || status === 'duplicate')) {
    return new AppError('EVENT_NOT_POSTED', `The event ${JSON.stringify(id)} left quarantine without being charged.`, {
      fix: 'Nothing is to be corrected: `tollkeeper events show` says when and by whom it was closed.',
    });
  }
  return new AppError('EVENT_NOT_POSTED', `The event ${JSON.stringify(id)} ${WHY[status]}.`, { fix: FIX[status] });
}
