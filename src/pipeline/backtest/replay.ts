import type { CaseCounts } from '../../domain/decisions/abuse-probability.ts';
import { type AutomaticAct, afterActing } from '../../domain/decisions/action-caps.ts';
import type { SlowedDown } from '../../domain/decisions/alert-facts.ts';
import { explain, type Judgement, judge, type Moment, type RuleResult } from '../../domain/decisions/judge.ts';
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
import { NO_CHANGE } from '../../domain/features/feature-state.ts';
import { PlatformHours } from '../../domain/fleet/platform-hours.ts';
import { judgeTime, LATE_WINDOW_MS } from '../../domain/ledger/lateness.ts';
import { slowDown } from '../../domain/ledger/throttle.ts';
import type { Outcome } from '../../domain/rules/band.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { type HeldBack, planActs } from '../acting/plan-acts.ts';
import { spendableOf, weighOutcome } from '../acting/weigh-outcome.ts';
import type { HistoryEvent } from './history-event.ts';
import { QuickPricer } from './quick-price.ts';
import { newAccount, type ReplayAccount } from './replay-account.ts';
import { areAlike, chargeSlowed, settleSlowdown } from './slow-account.ts';

/** What became of one event in the replay. */
export interface Played {
  readonly event: HistoryEvent;
  readonly account: ReplayAccount;
  /** Arrival; never goes back. */
  readonly atMs: number;
  /** Nano-units; 0 when it has no price. */
  readonly spendNanos: number;
  /** `stopped`: the replay's own freeze kept it from being charged; `throttled`: its own slow-down had it wait. */
  readonly status: 'posted' | 'stopped' | 'throttled' | 'quarantined' | 'altered' | 'duplicate';
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
  /** The slow-down it put in force; null when it did not. */
  readonly slowed: SlowedDown | null;
  /** Caps that kept the rules from doing more. */
  readonly heldBack: readonly HeldBack[];
  /** Somebody would have been told: the wallet was active, and it was news. */
  readonly raised: boolean;
  /** The evidence: what every rule saw. */
  readonly results: readonly RuleResult[];
}

/** What a replay reports while it runs. Absent parts cost nothing. */
export interface ReplayListener {
  /** The replay's own freeze has kept an event from being charged. */
  readonly stopped?: (played: Played) => void;
  /** The replay's own slow-down has an event wait for a later period. */
  readonly throttled?: (played: Played) => void;
  /** Everything that lanes would have stored as a decision, alerts among them, before what follows from it is told. */
  readonly decision?: (decision: ReplayAlert) => void;
  readonly alert?: (alert: ReplayAlert) => void;
  /** A wallet was frozen; without an alert when its rules had spoken before an earlier freeze ran out. */
  readonly freeze?: (alert: ReplayAlert) => void;
  /** A cap kept the rules from an action, and people would have been told of it. */
  readonly heldBack?: (alert: ReplayAlert) => void;
  /** A wallet was slowed down. */
  readonly slowdown?: (alert: ReplayAlert) => void;
  /** Everything that live and shadow rules say, before bands, breaker and budget. */
  readonly sighting?: (sighting: Sighting) => void;
}

type Writable<T> = { -readonly [field in keyof T]: T[field] };

/** Meter names are the sender's choice, so only a few are kept. */
const UNKNOWN_METERS_MAX = 20;

/**
 * Plays history to one ruleset: price, fold, judge, act, in arrival order and in one pass, by the code that production
 * runs. It never looks ahead. Wallets are simulated as far as freezes and slow-downs go; balances are the books' business.
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
  readonly #input: Writable<Required<FoldInput>> = {
    meter: '',
    quantity: 0.5,
    spendNanos: 0.5,
    occurredAtMs: 0.5,
    ingestedAtMs: 0.5,
    disposition: 'posted',
    claimedAtMs: 0.5,
    balanceNanos: undefined,
    details: eventDetails({ source: '' }),
  };
  readonly #moment: Writable<ReplayMoment> = {
    account: '',
    ingestedAtMs: 0.5,
    eventSpendNanos: 0.5,
    platformFactor: 1,
    event: { source: '', meter: '' },
  };
  readonly #platform = new PlatformHours();
  readonly #leader: Replay | undefined;
  #follower: Replay | undefined;
  /** What the latest event came to, for the replay that runs beside this one. */
  readonly #last: LastPlayed;
  /** Accounts that this replay and its leader will treat differently from the next event on. */
  #parting: ReplayAccount[] = [];
  #clockMs = 0;
  #acts: readonly AutomaticAct[] = [];

  /**
   * @param leader another replay that plays every event just before this one, over the same features (`joinRulesets`). What
   * it has priced and folded is not done again, until a freeze makes the two see different usage.
   */
  constructor(ruleset: Ruleset, listener: ReplayListener, lateWindowMs = LATE_WINDOW_MS, leader?: Replay) {
    this.ruleset = ruleset;
    this.#leader = leader;
    if (leader !== undefined) leader.#follower = this;
    this.#last = {
      account: newAccount('', 0),
      frozenUntilMs: 0.5,
      throttle: null,
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
    this.#platform.advance(nowMs);
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

    if (account.throttle !== null) settleSlowdown(account, nowMs);
    let status: Played['status'] = 'posted';
    if (identity !== 'new') status = identity;
    else if (time !== 'in_time' || nanos === undefined || isRefused(event, account)) status = 'quarantined';
    else if (account.frozenUntilMs !== 0) status = this.#isFrozen(account, nowMs) ? 'stopped' : 'posted';
    if (status === 'posted' && account.throttle !== null && !chargeSlowed(account, nanos ?? 0, nowMs))
      status = 'throttled';

    if (nanos === undefined) this.#noteUnknown(meter);
    const spendNanos = nanos ?? 0;
    const input = this.#input;
    input.meter = meter;
    input.quantity = event.quantity;
    input.spendNanos = spendNanos;
    // An event whose own time is not believed must not write into a bucket that time names.
    input.occurredAtMs = time === 'in_time' ? occurredAtMs : nowMs;
    input.ingestedAtMs = nowMs;
    input.disposition = status === 'stopped' || status === 'throttled' ? 'quarantined' : status;
    input.claimedAtMs = occurredAtMs;
    if (status === 'posted') account.chargedNanos += spendNanos;
    const { creditNanos } = event;
    account.balanceNanos = creditNanos === undefined ? undefined : creditNanos - account.chargedNanos;
    input.balanceNanos = account.balanceNanos;
    input.details = details;
    const hour = foldUsage(account.features, input, this.ruleset.features);
    if (this.#follower !== undefined)
      this.#tellFollower(account, { hour, spendNanos, status, isPriced: nanos !== undefined });
    if (this.#sightings !== undefined) this.#tell(this.#sightings.see(event.account, account.features, input));
    this.#judge(event, account, { spendNanos, status });
  }

  /** What every rule sees of an account now. */
  explain({ account, features }: ReplayAccount): RuleResult[] {
    const moment = { account, ingestedAtMs: this.#clockMs, eventSpendNanos: 0, platformFactor: this.#platform.factor };
    return explain(this.ruleset, features, moment);
  }

  /** Gives accounts that are about to see other usage than the leader's features of their own. */
  part(): void {
    if (this.#parting.length === 0) return;
    for (const account of this.#parting) {
      account.features = decodeFeatures(encodeFeatures(account.features));
      account.waiting = [...account.waiting];
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
    last.throttle = account.throttle;
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
    account.throttle = last.throttle;
    account.waiting = last.account.waiting;
    account.balanceNanos = last.account.balanceNanos;
    account.chargedNanos = last.account.chargedNanos;
    if (!last.isPriced) this.#noteUnknown(event.meter);
    const isQuarantined = status === 'quarantined' || status === 'stopped' || status === 'throttled';
    foldBeside(account.features, last.account.features, last.folded, { isQuarantined, spec: this.ruleset.features });
    this.#judge(event, account, { spendNanos, status });
    if (!areAlike(account, last.account)) this.#parting.push(account);
  }

  #judge(event: HistoryEvent, account: ReplayAccount, played: Pick<Played, 'spendNanos' | 'status'>): void {
    const { spendNanos, status } = played;
    if (status === 'duplicate') return;
    const nowMs = this.#clockMs;
    if (status === 'posted') {
      if (spendNanos > 0) this.#platform.count(account.ordinal, event.occurredAtMs);
    } else if (status === 'stopped') this.#listener.stopped?.({ event, account, atMs: nowMs, spendNanos, status });
    else if (status === 'throttled') this.#listener.throttled?.({ event, account, atMs: nowMs, spendNanos, status });
    const moment = this.#moment;
    moment.account = event.account;
    moment.ingestedAtMs = nowMs;
    moment.eventSpendNanos = spendNanos;
    moment.platformFactor = this.#platform.factor;
    moment.event = event;
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
    const account = newAccount(name, this.accounts.size);
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
    const isActive = account.frozenUntilMs <= atMs;
    // A wallet that is stopped already needs no second alert.
    if (!isActive && this.#listener.decision === undefined) return;
    const { ruleset } = this;
    const { features, throttle } = account;
    const spendableNanos = this.#spendable(account);
    const choice = weighOutcome(
      { ruleset, features, isActive, spendableNanos, caseCounts: NO_CASES_AT_ALL, nowMs: atMs },
      judgement,
    );
    const { currency } = ruleset.pricing;
    const wallet = { walletId: 0n, status: isActive ? 'active' : 'frozen', throttle, currency } as const;
    const sofar = { acts: this.#acts, parts: 1, accounts: this.accounts.size };
    const plan = planActs({ ruleset, wallet, sofar, choice, decisionId: '', nowMs: atMs }, judgement);
    const { done, outcome, heldBack } = plan;
    let frozenUntilMs: number | null = null;
    let slowed: SlowedDown | null = null;
    if (done !== null) {
      this.#acts = afterActing(this.#acts, done.act);
      if (done.kind === 'freeze') {
        frozenUntilMs = done.effect.untilMs;
        account.frozenUntilMs = frozenUntilMs;
      } else {
        const { limitNanos, periodMs, untilMs } = done.effect;
        slowed = { limitNanos, periodMs, untilMs };
        account.throttle = slowDown(throttle, { limit: limitNanos, periodMs, untilMs, by: '' }, atMs);
        account.waiting = [];
      }
    }
    const raised = judgement.raised && isActive;
    const acted = { outcome, frozenUntilMs, slowed, heldBack, raised };
    const decision = { ...summaryOf(judgement), account: account.account, atMs, ...acted };
    this.#listener.decision?.(decision);
    if (frozenUntilMs !== null) this.#listener.freeze?.(decision);
    if (slowed !== null) this.#listener.slowdown?.(decision);
    if (heldBack.length > 0 && raised) this.#listener.heldBack?.(decision);
    if (raised) this.#listener.alert?.(decision);
  }

  // What a file does not know of bounds nobody: a backtest of a file runs nobody out of credit.
  #spendable({ balanceNanos }: ReplayAccount): number {
    if (balanceNanos === undefined) return Number.POSITIVE_INFINITY;
    const posted = BigInt(Math.round(balanceNanos));
    return spendableOf({ posted, held: 0n, overdraftLimit: null }, this.ruleset.overdraftNanos);
  }
}

/** Closed alerts belong to the database, and to the time after the history: a backtest never looks ahead. */
const NO_CASES_AT_ALL: ReadonlyMap<string, CaseCounts> = new Map();

type ReplayMoment = Required<Pick<Moment, 'account' | 'ingestedAtMs' | 'eventSpendNanos' | 'platformFactor' | 'event'>>;

interface LastPlayed {
  account: ReplayAccount;
  /** As it was when the event came. */
  frozenUntilMs: number;
  throttle: ReplayAccount['throttle'];
  spendNanos: number;
  /** The meter has a price. */
  isPriced: boolean;
  status: Played['status'];
  readonly folded: Folded;
}

/** The books refused it for a limit that is not the replay's: its own slow-down decides anew what exceeds it. */
function isRefused({ known }: HistoryEvent, { throttle }: ReplayAccount): boolean {
  return known === 'stopped' || (known === 'throttled' && throttle === null);
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
