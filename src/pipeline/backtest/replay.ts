import { allowsFreeze } from '../../domain/decisions/freeze-breaker.ts';
import { type Judgement, judge, type Moment, type RuleResult } from '../../domain/decisions/judge.ts';
import { createSightingBook, type Sighting, type SightingBook } from '../../domain/decisions/sightings.ts';
import {
  decodeFeatures,
  encodeFeatures,
  type Folded,
  type FoldInput,
  foldBeside,
  foldUsage,
} from '../../domain/features/account-features.ts';
import { type EventDetails, eventDetails } from '../../domain/features/event-details.ts';
import { type AccountFeatures, createFeatures, NO_CHANGE } from '../../domain/features/feature-state.ts';
import { judgeTime, LATE_WINDOW_MS } from '../../domain/ledger/lateness.ts';
import type { Outcome } from '../../domain/rules/band.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import type { HistoryEvent } from './history-event.ts';
import { QuickPricer } from './quick-price.ts';

/** One account while history is played to it. */
export interface ReplayAccount {
  readonly account: string;
  features: AccountFeatures;
  /** Refuses usage until then; 0 while it is active. */
  frozenUntilMs: number;
  /** The same account of the replay beside this one. */
  beside: ReplayAccount | undefined;
  /** Whether its buckets and streams are those of the replay it runs beside. */
  isShared: boolean;
}

/** What became of one event in the replay. */
export interface Played {
  readonly event: HistoryEvent;
  readonly account: ReplayAccount;
  /** Arrival; never goes back. */
  readonly atMs: number;
  /** Nano-units; 0 when it has no price. */
  readonly spendNanos: number;
  /** `stopped`: the replay's own freeze kept it from being charged. */
  readonly status: 'posted' | 'stopped' | 'quarantined' | 'altered' | 'duplicate';
}

/** An alert that this ruleset would have raised. */
export interface ReplayAlert {
  readonly account: string;
  readonly atMs: number;
  readonly outcome: Outcome;
  readonly score: number;
  /** Live rules that fired, in the order of their ids: a shadow rule has a part in no alert. */
  readonly ruleIds: readonly string[];
  /** What was spent above the usual by then: the largest excess any money rule saw. */
  readonly excessNanos: number;
  /** Until when the account was frozen by it; null when it was not. */
  readonly frozenUntilMs: number | null;
  /** The evidence: what every rule saw. */
  readonly results: readonly RuleResult[];
}

/** What a replay reports while it runs. Absent parts cost nothing. */
export interface ReplayListener {
  /** The replay's own freeze has kept an event from being charged. */
  readonly stopped?: (played: Played) => void;
  readonly alert?: (alert: ReplayAlert) => void;
  /** A wallet was frozen; without an alert when its rules had spoken before an earlier freeze ran out. */
  readonly freeze?: (alert: ReplayAlert) => void;
  /** Everything that live and shadow rules say, before bands, breaker and budget. */
  readonly sighting?: (sighting: Sighting) => void;
}

type Writable<T> = { -readonly [field in keyof T]: T[field] };

/** Meter names are the sender's choice, so only a few are kept. */
const UNKNOWN_METERS_MAX = 20;

/**
 * Plays history to one ruleset: price, fold, judge, freeze, in arrival order and in one pass, by the code that production
 * runs. It never looks ahead. Wallets are simulated as far as freezes go; balances are the books' business.
 */
export class Replay {
  readonly ruleset: Ruleset;
  readonly accounts = new Map<string, ReplayAccount>();
  /** Meters that had no price; the first few. */
  readonly unknownMeters = new Set<string>();
  readonly #listener: ReplayListener;
  readonly #pricer: QuickPricer;
  readonly #sightings: SightingBook | undefined;
  readonly #lateWindowMs: number;
  // Filled anew for every event: nothing that is handed one keeps it.
  readonly #input: Writable<Required<Omit<FoldInput, 'balanceNanos'>>> = {
    meter: '',
    quantity: 0.5,
    spendNanos: 0.5,
    occurredAtMs: 0.5,
    ingestedAtMs: 0.5,
    disposition: 'posted',
    claimedAtMs: 0.5,
    details: eventDetails({ source: '' }),
  };
  readonly #moment: Writable<Pick<Moment, 'account' | 'ingestedAtMs' | 'eventSpendNanos'>> = {
    account: '',
    ingestedAtMs: 0.5,
    eventSpendNanos: 0.5,
  };
  readonly #leader: Replay | undefined;
  #follower: Replay | undefined;
  /** What the latest event came to, for the replay that runs beside this one. */
  readonly #last: LastPlayed;
  /** Accounts that this replay and its leader will treat differently from the next event on. */
  #parting: ReplayAccount[] = [];
  #clockMs = 0;
  #freezesMs: number[] = [];

  /**
   * @param leader another replay that plays every event just before this one, over the same features (`joinRulesets`). What
   * it has priced and folded is not done again, until a freeze makes the two see different usage.
   */
  constructor(ruleset: Ruleset, listener: ReplayListener, lateWindowMs = LATE_WINDOW_MS, leader?: Replay) {
    this.ruleset = ruleset;
    this.#leader = leader;
    if (leader !== undefined) leader.#follower = this;
    this.#last = {
      account: newAccount(''),
      frozenUntilMs: 0.5,
      spendNanos: 0.5,
      isPriced: true,
      status: 'posted',
      folded: { hour: -1, touched: 0, touchedFine: -1, changedFromFine: NO_CHANGE },
    };
    this.#listener = listener;
    this.#pricer = new QuickPricer(ruleset.pricing);
    this.#sightings = listener.sighting === undefined ? undefined : createSightingBook(ruleset);
    this.#lateWindowMs = lateWindowMs;
  }

  /** The replay's time: the latest arrival so far. */
  get clockMs(): number {
    return this.#clockMs;
  }

  /** Plays one event. An exact repetition changes no wallet and no volume, and rules may still look at it. */
  play(event: HistoryEvent, identity: 'new' | 'altered' | 'duplicate', details: EventDetails): void {
    this.#follower?.part();
    if (event.arrivedAtMs > this.#clockMs) this.#clockMs = event.arrivedAtMs;
    const nowMs = this.#clockMs;
    const last = this.#leader === undefined ? undefined : this.#leader.#last;
    if (last !== undefined) {
      const account = last.account.beside ?? this.#openBeside(last.account);
      if (account.isShared) {
        this.#playBeside(event, account, last);
        return;
      }
    }
    const account = this.accounts.get(event.account) ?? this.#open(event.account);
    const { meter, occurredAtMs } = event;
    const nanos = event.knownNanos ?? this.#pricer.price(event.account, meter, event.quantity, occurredAtMs);
    const time = event.known === undefined ? judgeTime(occurredAtMs, nowMs, this.#lateWindowMs) : knownTime(event);

    let status: Played['status'] = 'posted';
    if (identity !== 'new') status = identity;
    else if (time !== 'in_time' || nanos === undefined || event.known === 'stopped') status = 'quarantined';
    else if (account.frozenUntilMs !== 0) status = this.#isFrozen(account, nowMs) ? 'stopped' : 'posted';

    if (nanos === undefined) this.#noteUnknown(meter);
    const spendNanos = nanos ?? 0;
    const input = this.#input;
    input.meter = meter;
    input.quantity = event.quantity;
    input.spendNanos = spendNanos;
    // An event whose own time is not believed must not write into a bucket that time names.
    input.occurredAtMs = time === 'in_time' ? occurredAtMs : nowMs;
    input.ingestedAtMs = nowMs;
    input.disposition = status === 'stopped' ? 'quarantined' : status;
    input.claimedAtMs = occurredAtMs;
    input.details = details;
    const hour = foldUsage(account.features, input, this.ruleset.features);
    if (this.#follower !== undefined)
      this.#tellFollower(account, { hour, spendNanos, status, isPriced: nanos !== undefined });
    if (this.#sightings !== undefined) this.#tell(this.#sightings.see(event.account, account.features, input));
    this.#judge(event, account, { spendNanos, status });
  }

  /** Gives accounts that are about to see other usage than the leader's features of their own. */
  part(): void {
    if (this.#parting.length === 0) return;
    for (const account of this.#parting) {
      account.features = decodeFeatures(encodeFeatures(account.features));
      account.isShared = false;
    }
    this.#parting = [];
  }

  #tellFollower(
    account: ReplayAccount,
    played: Pick<LastPlayed, 'spendNanos' | 'status' | 'isPriced'> & { hour: number },
  ) {
    const last = this.#last;
    const { touched, touchedFine, changedFromFine } = account.features.transient;
    last.account = account;
    last.frozenUntilMs = account.frozenUntilMs;
    last.spendNanos = played.spendNanos;
    last.isPriced = played.isPriced;
    last.status = played.status;
    last.folded.hour = played.hour;
    last.folded.touched = touched;
    last.folded.touchedFine = touchedFine;
    last.folded.changedFromFine = changedFromFine;
  }

  // The leader has played the event to the same features: only what the two rulesets make of it can differ.
  #playBeside(event: HistoryEvent, account: ReplayAccount, last: LastPlayed): void {
    const { status, spendNanos } = last;
    account.frozenUntilMs = last.frozenUntilMs;
    if (!last.isPriced) this.#noteUnknown(event.meter);
    const isQuarantined = status === 'quarantined' || status === 'stopped';
    foldBeside(account.features, last.account.features, last.folded, { isQuarantined, spec: this.ruleset.features });
    this.#judge(event, account, { spendNanos, status });
    if (account.frozenUntilMs !== last.account.frozenUntilMs) this.#parting.push(account);
  }

  #judge(event: HistoryEvent, account: ReplayAccount, played: Pick<Played, 'spendNanos' | 'status'>): void {
    const { spendNanos, status } = played;
    if (status === 'duplicate') return;
    const nowMs = this.#clockMs;
    if (status === 'stopped') this.#listener.stopped?.({ event, account, atMs: nowMs, spendNanos, status });
    const moment = this.#moment;
    moment.account = event.account;
    moment.ingestedAtMs = nowMs;
    moment.eventSpendNanos = spendNanos;
    const judgement = judge(this.ruleset, account.features, moment);
    if (judgement !== null) this.#act(judgement, account, nowMs);
  }

  #noteUnknown(meter: string): void {
    if (this.unknownMeters.size < UNKNOWN_METERS_MAX) this.unknownMeters.add(meter);
  }

  #openBeside(other: ReplayAccount): ReplayAccount {
    const account = this.#open(other.account);
    account.isShared = true;
    other.beside = account;
    return account;
  }

  #open(name: string): ReplayAccount {
    const account = newAccount(name);
    this.accounts.set(name, account);
    return account;
  }

  #isFrozen(account: ReplayAccount, nowMs: number): boolean {
    if (nowMs < account.frozenUntilMs) return true;
    account.frozenUntilMs = 0;
    return false;
  }

  #tell(sightings: readonly Sighting[]): void {
    for (const sighting of sightings) this.#listener.sighting?.(sighting);
  }

  #act(judgement: Judgement, account: ReplayAccount, atMs: number): void {
    // A wallet that is stopped already needs no second alert.
    if (account.frozenUntilMs > atMs) return;
    let { outcome } = judgement;
    let frozenUntilMs: number | null = null;
    if (outcome === 'freeze') {
      if (allowsFreeze(this.#freezesMs, atMs, this.ruleset.freeze.perDayMax)) {
        this.#freezesMs = [...this.#freezesMs.filter((freezeMs) => freezeMs > atMs - DAY_MS), atMs];
        frozenUntilMs = atMs + this.ruleset.freeze.hours * HOUR_MS;
        account.frozenUntilMs = frozenUntilMs;
      } else outcome = 'review';
    }
    if (!judgement.raised && frozenUntilMs === null) return;
    const alert = { ...summaryOf(judgement), account: account.account, atMs, outcome, frozenUntilMs };
    if (frozenUntilMs !== null) this.#listener.freeze?.(alert);
    if (judgement.raised) this.#listener.alert?.(alert);
  }
}

interface LastPlayed {
  account: ReplayAccount;
  /** As it was when the event came. */
  frozenUntilMs: number;
  spendNanos: number;
  /** The meter has a price. */
  isPriced: boolean;
  status: Played['status'];
  readonly folded: Folded;
}

function newAccount(account: string): ReplayAccount {
  return { account, features: createFeatures(), frozenUntilMs: 0, beside: undefined, isShared: false };
}

function knownTime({ known }: HistoryEvent): 'in_time' | 'too_late' | 'in_future' {
  return known === 'too_late' || known === 'in_future' ? known : 'in_time';
}

function summaryOf({ score, results }: Judgement): Pick<ReplayAlert, 'score' | 'ruleIds' | 'excessNanos' | 'results'> {
  const hits = results.filter(({ status }) => status === 'hit' || status === 'snoozed');
  let excessNanos = 0;
  for (const { unit, observed, expected } of hits) {
    if (unit === 'nanos') excessNanos = Math.max(excessNanos, observed - expected);
  }
  return {
    score,
    results,
    excessNanos,
    ruleIds: hits.filter(({ mode }) => mode === 'live').map(({ ruleId }) => ruleId),
  };
}
