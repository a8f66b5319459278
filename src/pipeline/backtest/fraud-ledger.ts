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
  /** The attack that the event before the replay belongs to; undefined when it is honest. */
  bookedAttack: number | undefined;
  /** What that event stole, or where single events are not labelled its whole price (see `sharesOf`); nano-units. */
  bookedNanos = 0;
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
    this.bookedAttack = undefined;
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

  /**
   * How much of a stretch's booked usage was stolen, and how much was honest, from 0 to 1; known when the history is over.
   * An attack whose loss nobody has put in figures saves nothing and is no honest usage either.
   */
  sharesOf(attack: number): { readonly stolen: number; readonly honest: number } {
    // Of a labelled event the loss is what people say it was; the rest of its price is nobody's.
    if (this.isExact) return { stolen: 1, honest: 0 };
    const lossNanos = this.#labels.attacks[attack]?.lossNanos ?? 0;
    if (lossNanos <= 0) return { stolen: 0, honest: 0 };
    let totalNanos = 0;
    for (const nanos of this.#thefts[attack]?.nanos ?? []) totalNanos += nanos;
    // A loss above all usage of the stretch has other parts, such as fees: no freeze saves those.
    const stolen = totalNanos > lossNanos ? lossNanos / totalNanos : 1;
    return { stolen, honest: 1 - stolen };
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
    this.bookedAttack = attack;
    this.bookedNanos = nanos;
    this.booked++;
    const thefts = this.#thefts[attack];
    thefts?.atMs.push(atMs);
    thefts?.nanos.push(nanos);
  }
}
