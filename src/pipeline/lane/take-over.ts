import { parseEventKey } from '../../domain/events/event-key.ts';
import { createFeatures, decodeFeatures, foldJudged } from '../../domain/features/account-features.ts';
import { addressOf } from '../../domain/ids.ts';
import { openWallet } from '../../domain/ledger/wallet.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { decodeFacts, type StoredFact } from './facts-codec.ts';
import { foldInputOf } from './fold-input.ts';
import type { LaneEvent } from './lane-event.ts';
import { createLaneMemory, type LaneAccount, type LaneMemory, markDirty } from './lane-memory.ts';
import type { LaneStore, LaneTransaction, StoredAccount } from './lane-store.ts';

/**
 * Claims a lane and rebuilds its memory: head, recent keys, and the features of every account whose checkpoint is older
 * than the lane's last batch, by folding the stored facts again. Judgements are not repeated: a batch that changed
 * one wrote that account's checkpoint itself. `rulesetOf` finds the rules of batches before a reload; rules that are not
 * kept are taken for the present ones.
 */
export async function takeOver(
  store: LaneStore,
  lane: number,
  owner: string,
  ruleset: Ruleset,
  rulesetOf: (hash: string) => Promise<Ruleset | undefined> = async () => undefined,
): Promise<LaneMemory> {
  const claim = await store.claim(lane, owner);
  const memory = createLaneMemory(claim);
  for (const key of claim.recentKeys) memory.recentKeys.add(parseEventKey(key));
  for await (const { batchNo, facts, rulesetHash } of store.factsAfter(lane, claim.featuresThrough)) {
    // Which features an account has, and since when, follows from the rules of each batch; those of before a reload are not
    // those of now.
    const isNow = rulesetHash === undefined || rulesetHash === null || rulesetHash === ruleset.hash;
    const then = isNow ? ruleset : ((await rulesetOf(rulesetHash)) ?? ruleset);
    await refold(memory, store, then, batchNo, decodeFacts(facts));
  }
  return memory;
}

/** Accounts whose checkpoint already holds a batch; asked once per account and kept for the takeover. */
async function refold(
  memory: LaneMemory,
  store: LaneStore,
  ruleset: Ruleset,
  batchNo: number,
  facts: readonly StoredFact[],
): Promise<void> {
  const ids = new Map<StoredFact, bigint>();
  for (const fact of facts) ids.set(fact, addressOf(fact.tenant, fact.account, ruleset.pricing.currency).walletId);
  const missing = [...new Set(ids.values())].filter((id) => !memory.accounts.has(id));
  if (missing.length > 0) {
    for (const stored of await store.loadAccounts(missing)) addAccount(memory, stored);
  }
  for (const fact of facts) {
    const account = memory.accounts.get(ids.get(fact) ?? 0n);
    if (account === undefined || account.checkpointBatch >= batchNo || fact.status === 'duplicate') continue;
    foldJudged(account.features, foldInputOf(fact), ruleset.features);
    markDirty(memory, account, batchNo);
  }
}

function addAccount(memory: LaneMemory, stored: StoredAccount): LaneAccount {
  const account: LaneAccount = {
    wallet: stored.wallet,
    features: stored.features === null ? createFeatures() : decodeFeatures(stored.features),
    checkpointBatch: stored.checkpointBatch,
    isNew: false,
    dirtySinceBatch: 0,
    touchedInBatch: 0,
    place: 0,
  };
  memory.accounts.set(stored.wallet.walletId, account);
  return account;
}

/**
 * Reloads the wallets that others changed since the writer last looked, and the lane head they moved. Batches and holds
 * both come here, on connections of their own: whoever has read first puts it in force, all at once, and the other one
 * finds nothing left to do. What it has read is then older than the memory.
 */
export async function applyOutsideChanges(memory: LaneMemory, transaction: LaneTransaction): Promise<void> {
  if (transaction.changeNo === memory.changeNo) return;
  // Their commit came before the change, but perhaps not its news: what they free must not be freed after the reload.
  await memory.holdsInFlight;
  const changed = (await transaction.changedWallets(memory.changeNo)).filter((id) => memory.accounts.has(id));
  const stored = changed.length > 0 ? await transaction.loadAccounts(changed) : [];
  const head = await transaction.head();
  if (transaction.changeNo === memory.changeNo) return;
  for (const { wallet } of stored) {
    const known = memory.accounts.get(wallet.walletId);
    // The features in memory are newer than any checkpoint; only the head was changed by others.
    if (known === undefined) continue;
    Object.assign(known.wallet, wallet);
    known.isNew = false;
  }
  memory.lastBatch = head.lastBatch;
  memory.chain = head.chain;
  memory.changeNo = transaction.changeNo;
}

/** Loads stored wallets that are not in memory. What came into memory meanwhile is newer than what was read. */
export async function loadAccountsOf(
  memory: LaneMemory,
  transaction: LaneTransaction,
  walletIds: readonly bigint[],
): Promise<void> {
  const missing = walletIds.filter((id) => !memory.accounts.has(id));
  if (missing.length === 0) return;
  for (const stored of await transaction.loadAccounts(missing)) {
    if (!memory.accounts.has(stored.wallet.walletId)) addAccount(memory, stored);
  }
}

/** Loads the accounts of a batch that are not in memory, and opens those that nobody has seen. Returns each event's. */
export async function loadMissingAccounts(
  memory: LaneMemory,
  transaction: LaneTransaction,
  events: readonly LaneEvent[],
  currency: string,
): Promise<readonly LaneAccount[]> {
  const known = accountsOf(memory, events);
  const missing = new Map<bigint, LaneEvent>();
  for (let index = 0; index < events.length; index++) {
    const item = events[index];
    if (item === undefined || known[index] !== undefined) continue;
    const { walletId } = item.address;
    if (!missing.has(walletId)) missing.set(walletId, item);
  }
  if (missing.size === 0) return complete(known);
  await loadAccountsOf(memory, transaction, [...missing.keys()]);
  for (const [walletId, { event, address, ingestedAtMs }] of missing) {
    if (memory.accounts.has(walletId)) continue;
    const openedAtMs = Math.max(memory.clockMs, ingestedAtMs);
    const identity = {
      walletId,
      tenant: event.tenant,
      account: event.account,
      currency,
      shard: address.shard,
      openedAtMs,
    };
    memory.accounts.set(walletId, {
      wallet: openWallet(identity),
      features: createFeatures(),
      checkpointBatch: 0,
      isNew: true,
      dirtySinceBatch: 0,
      touchedInBatch: 0,
      place: 0,
    });
  }
  return complete(accountsOf(memory, events));
}

function accountsOf(memory: LaneMemory, events: readonly LaneEvent[]): (LaneAccount | undefined)[] {
  const accounts: (LaneAccount | undefined)[] = [];
  let last: LaneEvent['address'] | undefined;
  let account: LaneAccount | undefined;
  for (const { address } of events) {
    // A busy account often follows itself, and a comparison is cheaper than a look-up.
    if (address !== last) account = memory.accounts.get(address.walletId);
    last = address;
    accounts.push(account);
  }
  return accounts;
}

function complete(accounts: readonly (LaneAccount | undefined)[]): readonly LaneAccount[] {
  if (accounts.includes(undefined)) throw new Error('every account of a batch is loaded or opened');
  return accounts as readonly LaneAccount[];
}
