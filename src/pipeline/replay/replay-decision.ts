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
  const rulesets = new Map<string, Ruleset | undefined>();
  const { walletId, batchNo } = decision;
  const account = new Account(await store.lessons(walletId), await store.findings(walletId));
  for await (const batch of store.batches(decision.lane, decision.batchNo)) {
    if (!rulesets.has(batch.rulesetHash)) {
      const then = await rulesetOf(batch.rulesetHash);
      rulesets.set(batch.rulesetHash, then === undefined ? undefined : rulesetInLanes(then));
    }
    const ruleset = rulesets.get(batch.rulesetHash);
    if (ruleset === undefined) {
      if (!batch.facts.some((fact) => isOf(fact, decision))) continue;
      return { status: 'impossible', reason: `the files of ruleset ${batch.rulesetHash.slice(0, 12)} are not kept` };
    }
    if (account.wallets === undefined && rulesOfWallet(ruleset).length > 0)
      account.wallets = await store.walletsJudged(walletId, batchNo);
    if (account.balance === undefined && rulesOfBalance(ruleset).length > 0)
      account.balance = new BalanceWalk(await store.balances(walletId, batchNo));
    const found = account.play(batch, ruleset, decision);
    if (found !== undefined) return compare(decision, found, { account, ruleset });
  }
  return { status: 'impossible', reason: 'its event is not among the stored ones of its lane' };
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
