import { pauseAfter, retryAfter } from '../../domain/delivery/back-off.ts';
import type { Channel, ClaimedDelivery, DeliveryStore } from './delivery-port.ts';

const AT_ONCE = 10;
const LEASE_MS = 60_000;

/** What delivering works with. */
export interface Delivering {
  readonly store: DeliveryStore;
  readonly channels: readonly Channel[];
  readonly now: () => number;
}

/**
 * Sends what is due; how many deliveries were tried. A delivery is claimed before it is sent and settled afterwards: whoever
 * dies in between sends it again after a minute, under the same message id, by which receivers know it.
 */
export async function deliverDue({ store, channels, now }: Delivering): Promise<number> {
  const claimed = await store.claim(now(), AT_ONCE, LEASE_MS);
  await Promise.all(claimed.map((delivery) => deliver({ store, channels, now }, delivery)));
  return claimed.length;
}

async function deliver({ store, channels, now }: Delivering, delivery: ClaimedDelivery): Promise<void> {
  const { deliveryId, destination, message, target, attempts } = delivery;
  const channel = channels.find((one) => one.destination === destination);
  if (channel === undefined) {
    await store.settle(deliveryId, { is: 'dead', because: `${destination} is not set up any more` }, now());
    return;
  }
  const sent = await channel.send(message, target, now());
  const nowMs = now();
  if (sent.is === 'delivered') {
    await store.settle(deliveryId, sent, nowMs);
    await store.resume(destination);
    return;
  }
  if (sent.is === 'never') {
    await store.settle(deliveryId, { is: 'dead', because: sent.because }, nowMs);
    return;
  }
  const waitMs = retryAfter(`${deliveryId}`, attempts, sent.retryAfterMs);
  await store.settle(
    deliveryId,
    waitMs === null
      ? { is: 'dead', because: `given up after ${attempts} attempts: ${sent.because}` }
      : { is: 'later', nextTryAtMs: nowMs + waitMs, because: sent.because },
    nowMs,
  );
  if (sent.isAway) await store.pause(destination, (failures) => nowMs + pauseAfter(failures, sent.retryAfterMs));
}
