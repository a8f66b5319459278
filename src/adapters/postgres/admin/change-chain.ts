import { formatWalletId } from '../../../domain/ids.ts';
import { headerHash, linkAfter, recordsHash } from '../../../domain/ledger/chain/batch-link.ts';
import type { ChangeRecord } from '../../../pipeline/admin/admin-store.ts';
import { batchTree } from '../batch-root.ts';
import { encodeEntries } from '../copy-entries.ts';
import { burnRecord, correctionRecord, grantRecord } from '../sealed-records.ts';
import { exactJson } from './exact-json.ts';

/** What a link says about the batch it belongs to. */
export interface ChainPlace {
  readonly lane: number;
  readonly lastBatch: bigint;
  readonly epoch: bigint;
  readonly atMs: number;
}

/** What makes a change tamper-evident, stored with it. */
export interface ChangeSeal {
  readonly chain: Buffer;
  readonly root: Buffer;
  readonly wallets: number;
  readonly recordsHash: Buffer | null;
}

/** Action, subject and detail of the change's line in the audit log, as they are stored. */
export function auditLine(change: ChangeRecord): readonly [action: string, subject: string, detail: string] {
  const detail = exactJson({ ...change.detail, reason: change.reason });
  return [`wallet.${change.kind}`, formatWalletId(change.wallet.walletId), detail];
}

/**
 * The lane's chain after an administrative change: a batch like one of usage, without facts, with its audit line, what it
 * took out of grants, the grant it opened, and the correction it carried out.
 */
export function sealChange(previous: Buffer, place: ChainPlace, change: ChangeRecord): ChangeSeal {
  const { lane, lastBatch, epoch, atMs } = place;
  const { wallet } = change;
  const entries = change.entries.map((entry) => ({ ...entry, wallet }));
  const { root, walletIds } = batchTree(entries, encodeEntries(entries, Number(lastBatch), lane));
  const records = recordsHash([
    ['audit', wallet.tenant, change.actor, ...auditLine(change)],
    ...change.burns.map((burn) => burnRecord({ walletId: wallet.walletId, ...burn })),
    ...(change.grant === undefined ? [] : [grantRecord(wallet.walletId, change.grant)]),
    ...(change.correction === undefined ? [] : [correctionRecord(wallet.walletId, change.correction, atMs)]),
  ]);
  const chain = linkAfter(previous, {
    root,
    place: { lane, batchNo: lastBatch, kind: change.kind, postedAtMs: atMs, wallets: walletIds.length },
    headerHash: headerHash({
      epoch,
      events: change.events,
      posted: change.kind === 'release' ? change.events : 0,
      duplicate: 0,
      quarantined: 0,
      priced: change.priced,
      rulesetHash: null,
      idempotencyKey: change.request?.key ?? null,
      requestHash: change.request?.hash ?? null,
      actor: change.actor,
      reason: change.reason,
      contra: change.contra.map(({ ledgerAccount, amount }) => ({
        ledgerAccount,
        currency: wallet.currency,
        amount,
      })),
      factsHash: null,
      recordsHash: records,
    }),
  });
  return { chain, root, wallets: walletIds.length, recordsHash: records };
}
