import type { HistoryEvent } from './history-event.ts';
import { AttackIndex, type LabelSet } from './labels.ts';
import type { QuickPricer } from './quick-price.ts';

/** What one attack stole, in the order it arrived. */
interface Thefts {
  readonly atMs: number[];
  readonly nanos: number[];
}

/**
 * Knows of every event whether it was stolen, and adds up each attack's loss over time. With single events labelled it is
 * exact; otherwise all usage of the attack's accounts and sources during the attack shares the attack's loss in proportion
 * to what it cost.
 */
export class FraudLedger {
  readonly index: AttackIndex;
  readonly #labels: LabelSet;
  readonly #thefts: Thefts[];
  readonly #pricer: QuickPricer;
  /** What the event that was booked last stole, in nano-units; undefined when it was honest. */
  stolenNanos: number | undefined;
  /** Events that were booked as stolen. */
  booked = 0;
  /** Labelled events that turned out to be of accounts their attack does not name: the labels are of another file. */
  mismatched = 0;

  constructor(labels: LabelSet, pricer: QuickPricer) {
    this.#labels = labels;
    this.#pricer = pricer;
    this.index = new AttackIndex(labels.attacks);
    this.#thefts = labels.attacks.map(() => ({ atMs: [], nanos: [] }));
  }

  /** Whether single events are labelled. */
  get isExact(): boolean {
    return this.#labels.fraudEvents !== undefined;
  }

  /** Books an event, duplicates included: an attack may consist of them. Call it before the event is played. */
  book(event: HistoryEvent, isDuplicate: boolean): void {
    this.stolenNanos = undefined;
    const { fraudEvents, attacks } = this.#labels;
    if (fraudEvents === undefined) {
      const during = this.index.during(event.account, event.source, event.occurredAtMs);
      if (during === undefined || isDuplicate) return;
      const { account, meter, quantity, occurredAtMs } = event;
      const nanos = event.knownNanos ?? this.#pricer.price(account, meter, quantity, occurredAtMs) ?? 0;
      this.#add(during, event.arrivedAtMs, nanos);
      return;
    }
    const fraud = fraudEvents.get(event.index);
    if (fraud === undefined) return;
    const attack = attacks[fraud.attack];
    if (attack !== undefined && !attack.accounts.has(event.account) && !attack.sources.has(event.source))
      this.mismatched++;
    this.#add(fraud.attack, event.arrivedAtMs, fraud.lossNanos);
  }

  /** What an attack had stolen by a time, that moment included, and in how many events; everything when `atMs` is null. */
  lostBy(
    attack: number,
    atMs: number | null,
  ): { readonly nanos: number; readonly events: number; readonly of: number } {
    const { atMs: times, nanos } = this.#thefts[attack] ?? { atMs: [], nanos: [] };
    let events = 0;
    let sum = 0;
    let total = 0;
    for (let index = 0; index < times.length; index++) {
      const amount = nanos[index] ?? 0;
      total += amount;
      if (atMs !== null && (times[index] ?? 0) > atMs) continue;
      events++;
      sum += amount;
    }
    if (this.isExact) return { nanos: sum, events, of: times.length };
    // The stretch holds honest usage too, so its cost only says how the attack's loss is spread over time.
    const share = total > 0 ? sum / total : events / Math.max(1, times.length);
    return { nanos: (this.#labels.attacks[attack]?.lossNanos ?? 0) * share, events, of: times.length };
  }

  #add(attack: number, atMs: number, nanos: number): void {
    this.stolenNanos = nanos;
    this.booked++;
    const thefts = this.#thefts[attack];
    thefts?.atMs.push(atMs);
    thefts?.nanos.push(nanos);
  }
}
