import { eventKeyOf } from '../../domain/events/event-key.ts';
import { bindSpec, type FoldInput } from '../../domain/features/account-features.ts';
import { noteFleet } from '../../domain/fleet/fleet-mark.ts';
import { fleetPlacesOf, isWanted } from '../../domain/fleet/fleet-places.ts';
import { fleetRowOf } from '../../domain/fleet/fleet-row.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { MINUTE_MS } from '../../domain/time.ts';
import type { FleetFinding } from '../fleet/fleet-finding.ts';
import type { PlatformMove } from '../fleet/platform-move.ts';
import type { BatchRecord } from './batch-record.ts';
import { decide, type JudgedItem } from './decide.ts';
import { type LaneAccount, type LaneMemory, markDirty } from './lane-memory.ts';
import type { LaneTransaction } from './lane-store.ts';
import { loadAccountsOf } from './take-over.ts';
import { touch } from './wallet-state.ts';

/** How old the platform's factor may be, by the lane's clock; it changes once an hour. */
const PLATFORM_READ_MS = 5 * MINUTE_MS;

/** At most so many findings are judged with one batch; the rest with the next. */
const FINDINGS_MAX = 500;

/** The source that findings across accounts name as theirs. */
const FLEET_SOURCE = 'tollkeeper';

/** Shows an event that was just folded to the rules across accounts: a small row, written with the batch. */
export function noteSighting(batch: BatchRecord, ruleset: Ruleset, account: LaneAccount, input: FoldInput): void {
  const places = fleetPlacesOf(ruleset);
  if (places.rules.length === 0 || !places.byMeter.has(input.meter)) return;
  const { account: name, tenant } = account.wallet;
  const row = fleetRowOf(name, account.features, input);
  if (row !== undefined && isWanted(places, row)) {
    batch.fleetRows.push({ tenant, position: batch.facts.length, row });
  }
}

/**
 * Reads the findings that wait for the lane, when somebody has changed something since they were read last, and now and
 * then how busy the platform is. Findings are only ever written together with a change of their wallet.
 */
export async function readFindings(memory: LaneMemory, transaction: LaneTransaction): Promise<void> {
  const isFresh = memory.platformReadAtMs >= 0 && memory.clockMs - memory.platformReadAtMs < PLATFORM_READ_MS;
  if (!isFresh && transaction.platform !== undefined) {
    memory.platform = await transaction.platform();
    memory.platformReadAtMs = memory.clockMs;
  }
  if (memory.findingsReadAt === memory.changeNo) return;
  const findings = (await transaction.findings?.(FINDINGS_MAX)) ?? [];
  if (findings.length > 0) {
    await loadAccountsOf(
      memory,
      transaction,
      findings.map(({ walletId }) => walletId),
    );
  }
  memory.findings = findings;
  memory.findingsReadAt = findings.length < FINDINGS_MAX ? memory.changeNo : undefined;
}

/** The platform's factor when this batch is the first of the lane that is judged with it. */
export function takePlatformMove(memory: LaneMemory): PlatformMove | null {
  const { platform, platformUsed } = memory;
  memory.platformUsed = platform;
  // What a writer before this one used is not known: it is said again.
  const isSame = platformUsed === undefined ? platform.hourMs === 0 : platform.factor === platformUsed.factor;
  return isSame ? null : platform;
}

/** What a decision about a finding names in place of an event. */
export function judgedItem({ findingId, tenant, ruleId, atMs }: FleetFinding): JudgedItem {
  const id = `fleet:${findingId}`;
  const key = eventKeyOf({ tenant, source: FLEET_SOURCE, id, occurredAtMs: atMs });
  return { key, contentHash: 0n, event: { id, source: FLEET_SOURCE, meter: ruleId } };
}

/**
 * Judges what was found across accounts before the batch's first event, with everything else that is known of each
 * account: its points add up with those of its own rules, and what follows is part of the batch.
 */
export function applyFindings(memory: LaneMemory, batch: BatchRecord, ruleset: Ruleset): void {
  for (const finding of memory.findings) {
    const { findingId, walletId, ruleId, raw, atMs } = finding;
    batch.fleetFindings.push(findingId);
    const account = memory.accounts.get(walletId);
    if (account === undefined) continue;
    bindSpec(account.features, ruleset.features);
    if (!noteFleet(account.features, { ruleId, raw, atMs }, ruleset)) continue;
    touch(batch, account);
    markDirty(memory, account, batch.batchNo);
    batch.checkpoints.add(account);
    decide(memory, batch, ruleset, account, judgedItem(finding), 0n, memory.clockMs);
  }
  memory.findings = [];
}
