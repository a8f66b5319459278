import { type DraftContent, draftMessage, draftProblems, tellsSuspicion } from '../../domain/dunning/draft.ts';
import type { OutgoingMessage } from '../../domain/messages/outgoing-message.ts';
import { problemWords } from '../../domain/numbers-lock/check-numbers.ts';
import { AppError } from '../../errors.ts';
import type { DunningStore, StoredDraft } from './dunning-store.ts';

/** Hands a message to whoever delivers it. Queuing the same message twice sends it once. */
export type QueueDraft = (tenant: string, message: OutgoingMessage, email: string | null) => Promise<void>;

export interface DecidingDrafts {
  readonly store: DunningStore;
  readonly queue: QueueDraft;
  readonly now: () => number;
}

/** Lets a draft be sent; the service sends it. `DRAFT_NOT_FOUND`, `DRAFT_STATE`. */
export async function approveDraft(
  { store, now }: DecidingDrafts,
  tenant: string,
  draftId: string,
  by: string,
): Promise<StoredDraft> {
  const { draft } = await find(store, tenant, draftId);
  if (!(await store.decide(draftId, ['draft'], 'approved', by, now()))) throw wrongState(draft);
  return { ...draft, status: 'approved', decidedBy: by };
}

/**
 * Changes the words of a draft. Every figure, name and link must be one of its facts, and nothing may speak of suspicion:
 * `DRAFT_REFUSED` says what stands in the way, and the draft stays as it was.
 */
export async function editDraft(
  { store, now }: DecidingDrafts,
  request: {
    readonly tenant: string;
    readonly draftId: string;
    readonly subject: string | undefined;
    readonly body: string;
    readonly by: string;
  },
): Promise<StoredDraft> {
  const { draft } = await find(store, request.tenant, request.draftId);
  const paragraphs = request.body
    .split(/\n\s*\n/)
    .map((text) => text.replace(/\s+/g, ' ').trim())
    .filter((text) => text !== '');
  if (paragraphs.length === 0) throw new AppError('DRAFT_REFUSED', 'The text is empty.');
  const content: DraftContent = { ...draft.content, subject: request.subject ?? draft.content.subject, paragraphs };
  const problems = draftProblems(content).map((problem) => problemWords(problem));
  if (tellsSuspicion([content.subject, ...paragraphs].join('\n'))) {
    problems.push('the text speaks of suspicion, which customers are not told');
  }
  if (problems.length > 0) throw new AppError('DRAFT_REFUSED', `The draft stays as it was: ${problems.join('; ')}.`);
  if (!(await store.rewrite(draft.draftId, content, request.by, now()))) throw wrongState(draft);
  return { ...draft, content };
}

/** Sends a draft now, whether or not it was approved before. Undefined when the customer cannot be written to. */
export async function sendDraft(
  { store, queue, now }: DecidingDrafts,
  tenant: string,
  draftId: string,
  by: string,
): Promise<StoredDraft> {
  const { draft, episode } = await find(store, tenant, draftId);
  if (draft.status !== 'draft' && draft.status !== 'approved') throw wrongState(draft);
  const { email } = await store.contact(tenant, episode.account);
  // The message is queued first: dying in between queues it again, which is one message.
  await queue(tenant, draftMessage(episode, draft.content), email);
  await store.decide(draftId, ['draft', 'approved'], 'sent', by, now());
  return { ...draft, status: 'sent', decidedBy: by };
}

async function find(store: DunningStore, tenant: string, draftId: string) {
  const found = await store.draft(tenant, draftId);
  if (found === undefined) throw new AppError('DRAFT_NOT_FOUND', `There is no draft ${JSON.stringify(draftId)}.`);
  return found;
}

function wrongState({ draftId, status }: StoredDraft): AppError {
  return new AppError('DRAFT_STATE', `The draft ${draftId} is ${status}.`);
}
