import type { Destination } from '../../domain/delivery/routes.ts';
import type { MessageKind, MessageSeverity, OutgoingMessage } from '../../domain/messages/outgoing-message.ts';

/** What became of an attempt. `later` is tried again; `never` would be refused again, however often it is sent. */
export type Sent =
  | { readonly is: 'delivered' }
  | {
      readonly is: 'later';
      readonly because: string;
      /** What the receiver asked for. */
      readonly retryAfterMs: number | null;
      /** The destination itself is away or busy: nothing else gets through either. */
      readonly isAway: boolean;
    }
  | { readonly is: 'never'; readonly because: string };

/** One way to people or programs. Errors are results, never thrown. */
export interface Channel {
  readonly destination: Destination;
  /** What is shown of it; no secret. */
  readonly address: string;
  readonly send: (message: OutgoingMessage, target: string | null, nowMs: number) => Promise<Sent>;
}

/** A message on its way to one destination. */
export interface Delivery {
  readonly deliveryId: bigint;
  readonly tenant: string;
  readonly messageId: string;
  readonly kind: MessageKind;
  readonly severity: MessageSeverity;
  readonly subject: string;
  readonly destination: Destination;
  readonly target: string | null;
  readonly state: 'waiting' | 'delivered' | 'dead';
  readonly attempts: number;
  readonly nextTryAtMs: number;
  readonly lastError: string | null;
  readonly createdAtMs: number;
  readonly deliveredAtMs: number | null;
}

export interface ClaimedDelivery extends Delivery {
  readonly message: OutgoingMessage;
}

/** What an alert's notice keeps. */
export interface AlertNotice {
  readonly tenant: string;
  readonly alertId: string;
  readonly walletState: string;
  readonly toldAs: 'message' | 'digest';
}

/** Messages and their deliveries. */
export interface DeliveryStore {
  /** Keeps a message with its deliveries, and what it tells, in one transaction; false when the message is known. */
  readonly queue: (
    queued: {
      readonly tenant: string;
      readonly message: OutgoingMessage;
      readonly to: readonly { readonly destination: Destination; readonly target: string | null }[];
      readonly notices?: readonly AlertNotice[];
      readonly lowBalance?: { readonly walletId: string; readonly told: 'nothing' | 'low' | 'empty' };
    },
    nowMs: number,
  ) => Promise<boolean>;
  /** Alerts that nobody has been told of, raised since notices began; the oldest first. */
  readonly untold: (
    nowMs: number,
    limit: number,
  ) => Promise<readonly { readonly tenant: string; readonly alertId: string }[]>;
  readonly notice: (notices: readonly AlertNotice[], nowMs: number) => Promise<void>;
  readonly noticesOf: (alertIds: readonly string[]) => Promise<readonly AlertNotice[]>;
  /** Whether something that happens once was not done before: true for the first who asks. */
  readonly once: (name: string, nowMs: number) => Promise<boolean>;
  readonly tenants: () => Promise<readonly string[]>;
  /** Accounts whose customers want to hear of a low balance and can be written to. */
  readonly watched: () => Promise<readonly { readonly tenant: string; readonly account: string }[]>;
  readonly lowBalanceTold: (walletId: string) => Promise<'nothing' | 'low' | 'empty'>;
  readonly tellLowBalance: (walletId: string, told: 'nothing' | 'low' | 'empty', nowMs: number) => Promise<void>;
  /** Takes due deliveries for `leaseMs`: severe ones first. Whoever dies with them leaves them to be claimed again. */
  readonly claim: (nowMs: number, limit: number, leaseMs: number) => Promise<readonly ClaimedDelivery[]>;
  readonly settle: (
    deliveryId: bigint,
    outcome:
      | { readonly is: 'delivered' }
      | { readonly is: 'later'; readonly nextTryAtMs: number; readonly because: string }
      | { readonly is: 'dead'; readonly because: string },
    nowMs: number,
  ) => Promise<void>;
  /** Failures in a row of a destination, after this one. */
  readonly pause: (destination: Destination, untilOf: (failures: number) => number) => Promise<void>;
  readonly resume: (destination: Destination) => Promise<void>;
  readonly list: (query: {
    readonly tenant: string;
    readonly state?: Delivery['state'];
    readonly limit: number;
  }) => Promise<readonly Delivery[]>;
  readonly show: (
    tenant: string,
    messageId: string,
  ) => Promise<{ readonly message: OutgoingMessage; readonly deliveries: readonly Delivery[] } | undefined>;
  /** Sends dead deliveries of a message again, or all of them; how many. */
  readonly replay: (tenant: string, messageId: string | null, nowMs: number) => Promise<number>;
}
