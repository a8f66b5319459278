import { hash } from 'node:crypto';
import { formatEventKey } from '../../../domain/events/event-key.ts';
import { formatIso } from '../../../domain/time.ts';
import type { ChangeRecord } from '../../../pipeline/admin/admin-store.ts';

/** What a link says about the batch it belongs to. */
export interface ChainPlace {
  readonly lane: number;
  readonly lastBatch: bigint;
  readonly epoch: bigint;
  readonly atMs: number;
}

/** The parts of a change that its link covers. */
export type ChainedChange = Pick<
  ChangeRecord,
  'kind' | 'events' | 'priced' | 'request' | 'actor' | 'reason' | 'contra' | 'entries'
> & {
  readonly burns: readonly { readonly grantId: string; readonly amount: bigint }[];
  readonly wallet: Pick<ChangeRecord['wallet'], 'walletId' | 'currency'>;
};

/**
 * The lane's chain after an administrative change: SHA-256 over the previous value and the change as canonical JSON (an
 * array, so there is no key order to agree on). Everything in it is stored, so a verifier can compute it again.
 */
export function chainAfterChange(previous: Buffer, place: ChainPlace, change: ChainedChange): Buffer {
  const canonical = [
    place.lane,
    place.lastBatch.toString(),
    change.kind,
    place.epoch.toString(),
    formatIso(place.atMs),
    change.events,
    change.priced.toString(),
    change.request?.key ?? null,
    change.request?.hash ?? null,
    change.actor,
    change.reason,
    change.contra.map(({ ledgerAccount, amount }) => [ledgerAccount, change.wallet.currency, amount.toString()]),
    change.entries.map(({ key, seq, amount, balanceAfter, contentHash, kind }) => [
      formatEventKey(key),
      change.wallet.walletId.toString(),
      seq.toString(),
      amount.toString(),
      balanceAfter.toString(),
      contentHash.toString(),
      kind,
    ]),
    ...(change.burns.length === 0 ? [] : [change.burns.map(({ grantId, amount }) => [grantId, amount.toString()])]),
  ];
  return hash('sha256', Buffer.concat([previous, Buffer.from(JSON.stringify(canonical))]), 'buffer');
}
