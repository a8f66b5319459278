import { contentHashOf, type EventKey, eventKeyOf } from '../../domain/events/event-key.ts';
import type { UsageEvent } from '../../domain/events/usage-event.ts';
import { type AccountAddress, addressOf } from '../../domain/ids.ts';

/** A valid event on its way to its lane, with everything that can be computed before the lane's turn. */
export interface LaneEvent {
  readonly event: UsageEvent;
  readonly address: AccountAddress;
  readonly key: EventKey;
  readonly contentHash: bigint;
  /** First acceptance by us; the lane raises it to its own clock, which never goes back. */
  readonly ingestedAtMs: number;
}

/** Addresses are two digests each, so recent ones are kept; the bound stops made-up accounts from filling memory. */
const ADDRESSES_MAX = 200_000;

/** Prepares events for their lanes: identity, content hash and address. Holds a bounded cache of addresses. */
export class LaneEventFactory {
  readonly #addresses = new Map<string, Map<string, AccountAddress>>();
  #known = 0;
  readonly #currency: string;

  constructor(currency: string) {
    this.#currency = currency;
  }

  prepare(event: UsageEvent, ingestedAtMs: number): LaneEvent {
    return {
      event,
      address: this.addressOf(event.tenant, event.account),
      key: eventKeyOf(event),
      contentHash: contentHashOf(event),
      ingestedAtMs,
    };
  }

  addressOf(tenant: string, account: string): AccountAddress {
    const known = this.#addresses.get(tenant)?.get(account);
    return known ?? this.#learn(tenant, account);
  }

  #learn(tenant: string, account: string): AccountAddress {
    if (this.#known++ >= ADDRESSES_MAX) {
      this.#addresses.clear();
      this.#known = 1;
    }
    const address = addressOf(tenant, account, this.#currency);
    const accounts = this.#addresses.get(tenant) ?? new Map<string, AccountAddress>();
    accounts.set(account, address);
    this.#addresses.set(tenant, accounts);
    return address;
  }
}
