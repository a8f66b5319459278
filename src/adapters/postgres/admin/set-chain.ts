import { hash } from 'node:crypto';
import { formatIso } from '../../../domain/time.ts';

/** The parts of a set that its link covers beside its entries, which are in order of wallet and number. */
export interface ChainedSet {
  readonly lane: number;
  readonly batchNo: bigint;
  readonly epoch: bigint;
  readonly atMs: number;
  readonly actor: string;
  readonly reason: string | null;
  readonly contra: readonly {
    readonly ledgerAccount: string;
    readonly currency: string;
    readonly amount: bigint;
  }[];
}

/**
 * The lane's chain after a set: SHA-256 over the previous value, what the set says of itself as canonical JSON, and the
 * exact bytes of its entries as COPY takes them.
 */
export function chainAfterSet(previous: Buffer, set: ChainedSet, copyBytes: Buffer): Buffer {
  const contra = set.contra.map(({ ledgerAccount, currency, amount }) => [ledgerAccount, currency, amount.toString()]);
  contra.sort((left, right) => (`${left[0]} ${left[1]}` < `${right[0]} ${right[1]}` ? -1 : 1));
  const { lane, batchNo, epoch, atMs, actor, reason } = set;
  const header = [lane, batchNo.toString(), 'set', epoch.toString(), formatIso(atMs), actor, reason, contra];
  return hash('sha256', Buffer.concat([previous, Buffer.from(JSON.stringify(header)), copyBytes]), 'buffer');
}
