import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { DeliveredJob } from '../ingest/queue-port.ts';
import { isFinal } from './failures.ts';
import type { MoneyIn } from './money-in.ts';
import type { RadarListing } from './money-store.ts';
import { REVIEW_LIST, readListFact, writeListFact } from './radar-facts.ts';

type RadarParts = Pick<MoneyIn, 'stripe' | 'store' | 'now'>;

export interface RadarRequest {
  readonly tenant: string;
  readonly account: string;
  readonly reason: string;
  readonly decisionId: string | null;
  readonly by: string;
  readonly untilMs: number;
}

/**
 * Puts an account's customer before Radar until a date. Recorded at once: from the next top-up on, money is only
 * authorised. List and metadata at Stripe follow through the outbox. Undefined when the account has no customer: there is
 * nothing that could be reviewed, and the alert says so.
 */
export async function putBeforeRadar(
  { store, now }: Pick<MoneyIn, 'store' | 'now'>,
  request: RadarRequest,
): Promise<RadarListing | undefined> {
  const { tenant, account } = request;
  const customer = await store.customers.ofAccount(tenant, account);
  if (customer === undefined) return undefined;
  return store.radar.want({ ...request, customer: customer.customer }, now());
}

/** Ends it before its date; false when the account was not before Radar. */
export async function takeOffRadar(
  { store, now }: Pick<MoneyIn, 'store' | 'now'>,
  { tenant, account, because }: { readonly tenant: string; readonly account: string; readonly because: string },
): Promise<boolean> {
  const customer = await store.customers.ofAccount(tenant, account);
  return customer === undefined ? false : store.radar.unwant(customer.customer, because, now());
}

const jobSchema = z.union([
  z.object({ v: z.literal(1), customer: z.string() }),
  z.object({
    v: z.literal(1),
    put: z.object({
      tenant: z.string(),
      account: z.string(),
      decision: z.string(),
      untilMs: z.number(),
      reason: z.string(),
    }),
  }),
]);

/** A job of the queue `radar`: what a decision asks for, or a customer whose listing is to be carried out. */
export async function processRadarJob(parts: RadarParts, job: Pick<DeliveredJob, 'data'>): Promise<unknown> {
  const data = jobSchema.parse(job.data);
  if ('customer' in data) {
    return { customer: data.customer, outcome: radarOutcome(await carryOutListing(parts, data.customer)) };
  }
  const { decision, ...put } = data.put;
  // Carried out late, when Stripe was set up long after: nobody is put before Radar for a time that is over.
  if (put.untilMs <= parts.now()) return { account: put.account, outcome: 'ended' };
  const listing = await putBeforeRadar(parts, { ...put, decisionId: decision, by: 'rules' });
  const after = listing === undefined ? undefined : await carryOutListing(parts, listing.customer);
  return { account: put.account, outcome: radarOutcome(after) };
}

/** Brings Stripe to what is wanted for a customer. Repeating it changes nothing. */
export function carryOutListing(parts: RadarParts, customer: string): Promise<RadarListing | undefined> {
  return parts.store.alone(`radar ${customer}`, async () => {
    const listing = await parts.store.radar.read(customer);
    if (listing?.status === 'wanted') await put(parts, listing);
    if (listing?.status === 'unwanted') await takeOff(parts, listing);
    return parts.store.radar.read(customer);
  });
}

async function put(parts: RadarParts, listing: RadarListing): Promise<void> {
  const { stripe, store, now } = parts;
  const { customer } = listing;
  const isMarked = await orCase(parts, listing, () =>
    stripe.radar.markCustomer(customer, { decisionId: listing.decisionId }),
  );
  const item = isMarked.ok ? await orCase(parts, listing, () => addToList(parts, listing)) : undefined;
  const listItem = item?.ok === true ? item.value : null;
  const listStatus = listItem === null ? 'unavailable' : 'listed';
  await store.radar.patch(customer, { status: 'standing', metadataSet: isMarked.ok, listStatus, listItem }, now());
}

/**
 * Null where the plan or the key has no lists: the flag stands all the same, and our own queue does the looking. A list
 * that somebody deleted is made again.
 */
async function addToList(parts: RadarParts, listing: RadarListing, isAgain = false): Promise<string | null> {
  const { stripe, store, now } = parts;
  try {
    const listId = await ensureReviewList(parts);
    return await stripe.radar.addToList(listId, listing.customer, `radar:${listing.customer}:${listing.putAtMs}`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === 'STRIPE_NOT_FOUND' && !isAgain) {
      await writeListFact(store, { lists: 'unknown', listId: null }, now());
      return addToList(parts, listing, true);
    }
    if (error.code !== 'STRIPE_LISTS_UNAVAILABLE') throw error;
    await writeListFact(store, { lists: 'unavailable', listId: null }, now());
    return null;
  }
}

async function takeOff(parts: RadarParts, listing: RadarListing): Promise<void> {
  const { stripe, store, now } = parts;
  const { customer, listItem } = listing;
  if (listItem !== null) await orCase(parts, listing, () => stripe.radar.removeFromList(listItem));
  await orCase(parts, listing, () => stripe.radar.markCustomer(customer, null));
  await store.radar.patch(
    customer,
    { status: 'ended', listStatus: 'absent', listItem: null, metadataSet: false },
    now(),
  );
}

type Done<T> = { readonly ok: true; readonly value: T } | { readonly ok: false };

/** What Stripe refuses for good becomes a case, and does not stand in the way of what else is to be done. */
async function orCase<T>(parts: RadarParts, listing: RadarListing, call: () => Promise<T>): Promise<Done<T>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    if (!(error instanceof AppError) || !isFinal(error)) throw error;
    const { customer: subject, tenant, account } = listing;
    const title = `Stripe did not take what Radar should know of customer ${subject}: ${error.message}`;
    await parts.store.openCase({ kind: 'radar_refused', subject, title, tenant, account, detail: {} }, parts.now());
    return { ok: false };
  }
}

/** The id of our list, made when it is missing. */
export async function ensureReviewList({ stripe, store, now }: RadarParts): Promise<string> {
  const { listId } = await readListFact(store);
  if (listId !== null) return listId;
  const { id } = await stripe.radar.ensureList(REVIEW_LIST);
  await writeListFact(store, { lists: 'available', listId: id }, now());
  return id;
}

const PAGE = 100;

/** Ends what is over, and carries out what a lost job left undone. Returns how many customers it touched. */
export async function sweepRadar(parts: RadarParts): Promise<number> {
  const expired = await parts.store.radar.expired(parts.now(), PAGE);
  for (const customer of expired) await parts.store.radar.unwant(customer, 'its time is over', parts.now());
  const waiting = await parts.store.radar.waiting(PAGE);
  for (const customer of waiting) await carryOutListing(parts, customer);
  return expired.length + waiting.length;
}

/** What became of putting a customer before Radar, in one word that an alert can print. */
export function radarOutcome(listing: RadarListing | undefined): RadarOutcome {
  if (listing === undefined) return 'no_customer';
  if (listing.status === 'wanted') return 'asked';
  if (listing.status !== 'standing') return 'ended';
  return listing.listStatus === 'listed' ? 'listed' : 'local_queue';
}

/** `waiting`: a decision has asked, and no service with a Stripe key has carried it out yet. */
export type RadarOutcome = 'waiting' | 'no_customer' | 'asked' | 'listed' | 'local_queue' | 'ended';

/** What happened, for the alert and for people. */
export function radarWords(outcome: RadarOutcome): string {
  switch (outcome) {
    case 'waiting':
      return 'Nothing has come of it yet: `tollkeeper start` with STRIPE_SECRET_KEY carries it out.';
    case 'no_customer':
      return 'The account has no Stripe customer, so there is no payment that Radar could review.';
    case 'asked':
      return 'The customer is marked here: top-ups are only authorised. Stripe has not confirmed the list yet.';
    case 'listed':
      return `The customer is on Radar's list ${REVIEW_LIST.alias} and marked; the next top-up is only authorised.`;
    case 'local_queue':
      return 'This Stripe plan has no lists: the customer is marked, top-ups are only authorised, and wait in our own queue.';
    case 'ended':
      return 'The customer is no longer before Radar.';
  }
}
