import { z } from 'zod';
import { type Judgement, judge, type WalletFigures } from '../../domain/decisions/judge.ts';
import { contentHashOf, eventKeyOf, formatEventKey } from '../../domain/events/event-key.ts';
import type { UsageEvent } from '../../domain/events/usage-event.ts';
import {
  type AccountFeatures,
  bindSpec,
  closeIncident,
  createFeatures,
  foldUsage,
  hourlySeries,
  unflagHours,
} from '../../domain/features/account-features.ts';
import { noteFleet } from '../../domain/fleet/fleet-mark.ts';
import { derivedId } from '../../domain/ids.ts';
import { parseQuantity } from '../../domain/money/quantity.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { rulesetInLanes } from '../../domain/rules/ruleset-in-lanes.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { StoredFact } from '../lane/facts-codec.ts';
import { judgedItem } from '../lane/findings.ts';
import { foldInputOf } from '../lane/fold-input.ts';
import { type Difference, firstDifference } from './first-difference.ts';
import type { AppliedFinding, AppliedLesson, ReplayBatch, ReplayStore, StoredDecision } from './replay-store.ts';
import { BalanceWalk, rulesOfBalance, rulesOfWallet } from './replay-wallet.ts';

/** The ruleset of a hash; undefined when its files are no longer known. */
export type RulesetOf = (hash: string) => Promise<Ruleset | undefined>;

/** What came of deciding again. */
export type ReplayResult =
  | { readonly status: 'same'; readonly events: number }
  | ({ readonly status: 'differs'; readonly events: number } & Difference)
  /** Something it rests on is gone, which is no difference. */
  | { readonly status: 'impossible'; readonly reason: string };

const evidenceSchema = z.looseObject({
  results: z.array(z.unknown()),
  raised: z.boolean().optional(),
  wallet: z.looseObject({ status: z.string() }).optional(),
  hourlySpendNanos: z.array(z.number()).optional(),
  choice: z.looseObject({ byPoints: z.string() }).optional(),
  notFrozenBecause: z.string().nullable().default(null),
});

/**
 * Decides again from what is stored: the account's events are folded and judged from its first one on, with the rules in
 * force at each batch and what closed cases had taught by then. The judgement must come out as it was stored, number by
 * number. What depends on other accounts at that moment (the day's cap on freezes, the sum that weighed a freeze) is
 * stored with the decision and not decided again; so are the wallet's figures that conditions ask for.
 */
export async function replayDecision(
  store: ReplayStore,
  rulesetOf: RulesetOf,
  decision: StoredDecision,
): Promise<ReplayResult> {
  const [replayed] = await replayDecisions(store, rulesetOf, [decision]);
  return replayed?.result ?? { status: 'impossible', reason: 'its lane has no stored events' };
}

/** A decision and what came of deciding it again. */
export interface Replayed {
  readonly decision: StoredDecision;
  readonly result: ReplayResult;
}

/** What keeps a long replay from being a burden. */
export interface ReplayLimits {
  /** Asked between batches: the rest is left out. */
  readonly isOver?: () => boolean;
  /** Awaited between batches, so that others get their turn. */
  readonly breathe?: () => Promise<void>;
}

/**
 * Decides several again, those of one lane in one pass over its history. Those that time did not suffice for are left out of
 * the answer.
 */
export async function replayDecisions(
  store: ReplayStore,
  rulesetOf: RulesetOf,
  decisions: readonly StoredDecision[],
  limits: ReplayLimits = {},
): Promise<readonly Replayed[]> {
  const results = new Map<StoredDecision, ReplayResult>();
  const rulesets = new Map<string, Ruleset | undefined>();
  const inLanes = async (hash: string) => {
    if (!rulesets.has(hash)) {
      const then = await rulesetOf(hash);
      rulesets.set(hash, then === undefined ? undefined : rulesetInLanes(then));
    }
    return rulesets.get(hash);
  };
  for (const lane of new Set(decisions.map((decision) => decision.lane))) {
    const own = decisions.filter((decision) => decision.lane === lane);
    let open: DecisionReplay[] = [];
    for (const decision of own) {
      const { walletId } = decision;
      open.push(new DecisionReplay(store, decision, await store.lessons(walletId), await store.findings(walletId)));
    }
    for await (const batch of store.batches(lane, Math.max(...own.map(({ batchNo }) => batchNo)))) {
      if (limits.isOver?.() === true) break;
      const ruleset = await inLanes(batch.rulesetHash);
      for (const replay of open) {
        const result = await replay.take(batch, ruleset);
        if (result !== undefined) results.set(replay.decision, result);
      }
      open = open.filter(({ decision }) => !results.has(decision));
      if (open.length === 0) break;
      await limits.breathe?.();
    }
    if (limits.isOver?.() === true) break;
    for (const { decision } of open) {
      results.set(decision, { status: 'impossible', reason: 'its event is not among the stored ones of its lane' });
    }
  }
  return decisions.flatMap((decision) => {
    const result = results.get(decision);
    return result === undefined ? [] : [{ decision, result }];
  });
}

/** One decision on the way to being made again. */
class DecisionReplay {
  readonly decision: StoredDecision;
  readonly #store: ReplayStore;
  readonly #account: Account;

  constructor(
    store: ReplayStore,
    decision: StoredDecision,
    lessons: readonly AppliedLesson[],
    findings: readonly AppliedFinding[],
  ) {
    this.#store = store;
    this.decision = decision;
    this.#account = new Account(lessons, findings);
  }

  /** Plays the next batch of its lane; the result once its own event is reached, or cannot be. */
  async take(batch: ReplayBatch, ruleset: Ruleset | undefined): Promise<ReplayResult | undefined> {
    const { decision } = this;
    const account = this.#account;
    if (batch.batchNo > decision.batchNo)
      return { status: 'impossible', reason: 'its event is not among the stored ones of its lane' };
    if (ruleset === undefined) {
      if (!batch.facts.some((fact) => isOf(fact, decision))) return undefined;
      return { status: 'impossible', reason: `the files of ruleset ${batch.rulesetHash.slice(0, 12)} are not kept` };
    }
    if (account.wallets === undefined && rulesOfWallet(ruleset).length > 0)
      account.wallets = await this.#store.walletsJudged(decision.walletId, decision.batchNo);
    if (account.balance === undefined && rulesOfBalance(ruleset).length > 0)
      account.balance = new BalanceWalk(await this.#store.balances(decision.walletId, decision.batchNo));
    const found = account.play(batch, ruleset, decision);
    return found === undefined ? undefined : compare(decision, found, { account, ruleset });
  }
}

/** One account's features as its history is played. */
class Account {
  readonly features: AccountFeatures = createFeatures();
  events = 0;
  /** Read once a ruleset asks for it. */
  wallets: ReadonlyMap<string, WalletFigures> | undefined;
  balance: BalanceWalk | undefined;
  readonly #lessons: readonly AppliedLesson[];
  #taught = 0;

  readonly #findings: readonly AppliedFinding[];
  #found = 0;

  constructor(lessons: readonly AppliedLesson[], findings: readonly AppliedFinding[]) {
    this.#lessons = lessons;
    this.#findings = findings;
  }

  /** Plays a batch; the judgement that made the decision, or null where nothing came of it, once its event is reached. */
  play(batch: ReplayBatch, ruleset: Ruleset, decision: StoredDecision): Judgement | null | undefined {
    this.#learn(batch.batchNo);
    this.balance?.enter(batch.batchNo);
    const asksForWallet = rulesOfWallet(ruleset);
    const made = this.#judgeFindings(batch, ruleset, decision);
    if (made !== undefined) return made;
    for (const fact of batch.facts) {
      if (!isOf(fact, decision)) continue;
      this.events++;
      const balanceNanos = this.balance?.after(fact);
      const input = foldInputOf(fact);
      foldUsage(this.features, balanceNanos === undefined ? input : { ...input, balanceNanos }, ruleset.features);
      const decisionId = decisionIdOf(fact, ruleset);
      const judgement = this.#judge(fact, ruleset, {
        wallet: this.wallets?.get(decisionId),
        asksForWallet,
        platformFactor: batch.platformFactor,
      });
      if (batch.batchNo === decision.batchNo && decisionId === decision.decisionId) return judgement;
    }
    return undefined;
  }

  #judge(
    fact: StoredFact,
    ruleset: Ruleset,
    {
      wallet,
      asksForWallet,
      platformFactor,
    }: { wallet: WalletFigures | undefined; asksForWallet: readonly string[]; platformFactor: number },
  ): Judgement | null {
    const { incident } = this.features;
    const judgement = judge(ruleset, this.features, {
      account: fact.account,
      ingestedAtMs: fact.ingestedAtMs,
      eventSpendNanos: Number(fact.amount ?? 0n),
      event: { source: fact.source, meter: fact.meter },
      platformFactor,
      ...(wallet === undefined ? { isRiskUnknown: true } : { wallet }),
    });
    // A judgement that changed anything was stored, with the wallet's figures. Where none was, the figures are not known, and
    // a rule that asks for them said nothing then: it must not be the reason for an incident now.
    if (judgement !== null && wallet === undefined && isUnsure(judgement, asksForWallet))
      this.features.incident = incident;
    return judgement;
  }

  /** What the batch judged before its first event; the judgement when it is the one that is looked for. */
  #judgeFindings(batch: ReplayBatch, ruleset: Ruleset, decision: StoredDecision): Judgement | null | undefined {
    for (; this.#found < this.#findings.length; this.#found++) {
      const applied = this.#findings[this.#found];
      if (applied === undefined || applied.batchNo > batch.batchNo) return undefined;
      const { finding, decidedAtMs } = applied;
      bindSpec(this.features, ruleset.features);
      if (!noteFleet(this.features, finding, ruleset) || decidedAtMs === null) {
        this.features.transient.fleetRose = null;
        continue;
      }
      const { key, contentHash, event } = judgedItem(finding);
      const decisionId = derivedId('dec', [formatEventKey(key), contentHash.toString(), ruleset.hash]);
      const wallet = this.wallets?.get(decisionId);
      const judgement = judge(ruleset, this.features, {
        account: finding.account,
        ingestedAtMs: decidedAtMs,
        eventSpendNanos: 0,
        event,
        platformFactor: batch.platformFactor,
        ...(wallet === undefined ? { isRiskUnknown: true } : { wallet }),
      });
      if (decisionId === decision.decisionId) {
        this.#found++;
        return judgement;
      }
    }
    return undefined;
  }

  #learn(batchNo: number): void {
    for (; this.#taught < this.#lessons.length; this.#taught++) {
      const lesson = this.#lessons[this.#taught];
      if (lesson === undefined || lesson.batchNo > batchNo) return;
      if (lesson.verdict === 'benign') unflagHours(this.features, lesson.fromMs, lesson.toMs);
      closeIncident(this.features);
    }
  }
}

function isUnsure({ results }: Judgement, rules: readonly string[]): boolean {
  return results.some(({ ruleId, status }) => status === 'inconclusive' && rules.includes(ruleId));
}

function compare(
  decision: StoredDecision,
  judgement: Judgement | null,
  { account, ruleset }: { readonly account: Account; readonly ruleset: Ruleset },
): ReplayResult {
  const { events, features } = account;
  const unknown = unknownOf(decision, account, ruleset);
  if (unknown !== undefined) return { status: 'impossible', reason: unknown };
  const parsed = evidenceSchema.safeParse(decision.evidence);
  if (!parsed.success) return { status: 'impossible', reason: 'its evidence is of another form' };
  if (judgement === null) {
    return { status: 'differs', events, field: 'results', stored: parsed.data.results, replayed: 'no rule fires' };
  }
  const stored = parsed.data;
  // The status was stored after the decision: one that froze the wallet itself found it active.
  const froze = decision.outcome === 'freeze' && stored.notFrozenBecause === null;
  const muted = stored.wallet !== undefined && stored.wallet.status !== 'active' && !froze;
  const hour = Math.floor(decision.decidedAtMs / HOUR_MS) * HOUR_MS;
  const hours = stored.hourlySpendNanos?.length ?? 0;
  const byPoints = stored.choice?.byPoints ?? (stored.notFrozenBecause === null ? decision.outcome : undefined);
  const difference = firstDifference(
    {
      score: decision.score,
      ...(byPoints === undefined ? {} : { outcome: byPoints }),
      results: stored.results,
      ...(stored.raised === undefined ? {} : { raised: stored.raised }),
      ...(hours === 0 ? {} : { hourlySpendNanos: stored.hourlySpendNanos }),
    },
    // Through JSON, as the stored evidence went: a field that is undefined is no field.
    JSON.parse(
      JSON.stringify({
        score: judgement.score,
        ...(byPoints === undefined ? {} : { outcome: judgement.outcome }),
        results: judgement.results,
        ...(stored.raised === undefined ? {} : { raised: judgement.raised && !muted }),
        ...(hours === 0
          ? {}
          : { hourlySpendNanos: hourlySeries(features, 'spend', hour - (hours - 1) * HOUR_MS, hour + HOUR_MS) }),
      }),
    ),
  );
  return difference === undefined ? { status: 'same', events } : { status: 'differs', events, ...difference };
}

/** What the decision rests on and nobody kept, with the rule that asks for it; undefined when nothing is missing. */
function unknownOf(decision: StoredDecision, { wallets, balance }: Account, ruleset: Ruleset): string | undefined {
  const [asking] = rulesOfWallet(ruleset);
  if (asking !== undefined && wallets?.has(decision.decisionId) !== true)
    return `rule ${asking} asks for the wallet, and the decision kept no figures of it`;
  const [watching] = rulesOfBalance(ruleset);
  if (watching !== undefined && balance?.isComplete === false)
    return `rule ${watching} looks at the balance after every event, and some of those entries are in the archive`;
  return undefined;
}

function isOf(fact: StoredFact, { tenant, account }: StoredDecision): boolean {
  return fact.status !== 'duplicate' && fact.account === account && fact.tenant === tenant;
}

/** The id the lane gave to a decision about this event under these rules. */
function decisionIdOf(fact: StoredFact, ruleset: Ruleset): string {
  const event = eventOf(fact);
  if (event === undefined) return '';
  const key = formatEventKey(eventKeyOf(event));
  return derivedId('dec', [key, contentHashOf(event).toString(), ruleset.hash]);
}

function eventOf(fact: StoredFact): UsageEvent | undefined {
  const quantity = parseQuantity(fact.quantity);
  if (typeof quantity === 'string') return undefined;
  const { tenant, id, source, account, meter, occurredAtMs, sequence, properties } = fact;
  return {
    tenant,
    id,
    source,
    account,
    meter,
    quantity,
    occurredAtMs,
    ...(sequence === null ? {} : { sequence }),
    ...(properties === null ? {} : { properties }),
  };
}
