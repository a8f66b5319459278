import type { MessageKind } from '../messages/outgoing-message.ts';

/** Where messages go: a channel to support or programs, or mail to the customer a message is for. */
export type Destination = 'mail' | 'slack' | 'webhook' | 'customer';

/** Which destinations get a kind of message. Customers get only what is written for them. */
const ROUTES: Readonly<Record<MessageKind, readonly Destination[]>> = {
  alert: ['mail', 'slack', 'webhook'],
  digest: ['mail', 'slack', 'webhook'],
  case: ['mail', 'slack', 'webhook'],
  low_balance: ['customer', 'webhook'],
  dunning: ['customer', 'webhook'],
  test: ['mail', 'slack', 'webhook'],
};

/** Of those that are set up, the destinations of a message. */
export function routesOf(kind: MessageKind, open: ReadonlySet<Destination>): readonly Destination[] {
  return ROUTES[kind].filter((destination) => open.has(destination));
}
