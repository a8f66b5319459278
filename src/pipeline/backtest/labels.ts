import { HOUR_MS } from '../../domain/time.ts';

/** One attack that people have confirmed. */
export interface Attack {
  readonly id: string;
  readonly family: string;
  readonly accounts: ReadonlySet<string>;
  readonly sources: ReadonlySet<string>;
  readonly startMs: number;
  readonly endMs: number;
  /** Nano-units; what was stolen in all. */
  readonly lossNanos: number;
}

/** A stretch of an account's honest usage that looks odd, to name what false alarms are about. */
export interface BenignStretch {
  readonly kind: string;
  readonly account: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Everything people know about a history. */
export interface LabelSet {
  readonly attacks: readonly Attack[];
  /** By place in the history: which attack an event belongs to and what it stole; undefined when single events are not labelled. */
  readonly fraudEvents: ReadonlyMap<number, FraudEvent> | undefined;
  readonly benign: readonly BenignStretch[];
  /** What is scored; undefined parts follow from the history. */
  readonly scope: { readonly fromMs?: number; readonly toMs?: number; readonly accounts?: number };
  /** Only some accounts were judged: of what is neither an attack nor a benign stretch nobody knows what it was. */
  readonly isPartial?: boolean;
}

export interface FraudEvent {
  /** Index into `attacks`. */
  readonly attack: number;
  readonly lossNanos: number;
}

/** An alert this long after an attack's end still counts as having found it. */
export const GRACE_MS = 6 * HOUR_MS;

/** An alert this long after an attack's end is late, and not a false alarm. */
export const AFTERMATH_MS = 48 * HOUR_MS;

/** The attacks of each account and each source. */
export class AttackIndex {
  readonly #byAccount = new Map<string, number[]>();
  readonly #bySource = new Map<string, number[]>();
  readonly attacks: readonly Attack[];

  constructor(attacks: readonly Attack[]) {
    this.attacks = attacks;
    for (const [index, attack] of attacks.entries()) {
      for (const account of attack.accounts) addTo(this.#byAccount, account, index);
      for (const source of attack.sources) addTo(this.#bySource, source, index);
    }
  }

  /** Indexes of the attacks that an alert about this account, or about this source alone, may have found. */
  about(account: string | null, source: string | undefined): readonly number[] {
    if (account !== null) return this.#byAccount.get(account) ?? NONE;
    return source === undefined ? NONE : (this.#bySource.get(source) ?? NONE);
  }

  /** The attack that a labelled stretch makes this event part of; undefined for honest usage. */
  during(account: string, source: string, occurredAtMs: number): number | undefined {
    const isDuring = (index: number) => {
      const attack = this.attacks[index];
      return attack !== undefined && occurredAtMs >= attack.startMs && occurredAtMs <= attack.endMs;
    };
    return this.#byAccount.get(account)?.find(isDuring) ?? this.#bySource.get(source)?.find(isDuring);
  }
}

const NONE: readonly number[] = [];

function addTo(map: Map<string, number[]>, key: string, index: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [index]);
  else known.push(index);
}
