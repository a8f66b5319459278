import { hash } from 'node:crypto';
import { formatIso } from '../../time.ts';

/** What anybody may know of a batch: a proof of inclusion shows it. */
export interface BatchPlace {
  readonly lane: number;
  readonly batchNo: bigint;
  readonly kind: string;
  /** When it was written, whole milliseconds. */
  readonly postedAtMs: number;
  /** Wallets with entries in it: the leaves of its tree. */
  readonly wallets: number;
}

/** What else of a batch its link covers. It is hashed first, so that a proof for one account tells nothing of others. */
export interface BatchHeader {
  readonly epoch: bigint;
  readonly events: number;
  readonly posted: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly priced: bigint;
  readonly rulesetHash: string | null;
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly contra: readonly ContraTotal[];
  /** SHA-256 of the stored facts; null for a batch without usage. */
  readonly factsHash: Buffer | null;
  /** SHA-256 of the rows that explain the batch: decisions, alerts, the line of the audit log. */
  readonly recordsHash: Buffer | null;
}

/** The other side of a batch's entries in one ledger account. */
export interface ContraTotal {
  readonly ledgerAccount: string;
  readonly currency: string;
  readonly amount: bigint;
}

const NOTHING_BEFORE = Buffer.alloc(32);

/**
 * A batch's link of its lane's chain:
 * SHA-256(link before ‖ root of the batch's tree ‖ SHA-256(header) ‖ place). The first link of a lane follows 32 zero
 * bytes. Everything in it is stored, so that a verifier can compute it again.
 */
export function linkAfter(
  previous: Buffer,
  batch: { readonly root: Buffer; readonly headerHash: Buffer; readonly place: BatchPlace },
): Buffer {
  const before = previous.length === 0 ? NOTHING_BEFORE : previous;
  const place = Buffer.from(placeText(batch.place));
  return hash('sha256', Buffer.concat([before, batch.root, batch.headerHash, place]), 'buffer');
}

/** `lane|batch|kind|posted at|wallets` */
export function placeText({ lane, batchNo, kind, postedAtMs, wallets }: BatchPlace): string {
  return `${lane}|${batchNo}|${kind}|${formatIso(postedAtMs)}|${wallets}`;
}

/** SHA-256 of the header as a JSON array: there is no order of names to agree on. */
export function headerHash(header: BatchHeader): Buffer {
  const contra = header.contra.map(({ ledgerAccount, currency, amount }) => [
    ledgerAccount,
    currency,
    amount.toString(),
  ]);
  contra.sort((left, right) => (`${left[0]} ${left[1]}` < `${right[0]} ${right[1]}` ? -1 : 1));
  const canonical = [
    header.epoch.toString(),
    header.events,
    header.posted,
    header.duplicate,
    header.quarantined,
    header.priced.toString(),
    header.rulesetHash,
    header.idempotencyKey,
    header.requestHash,
    header.actor,
    header.reason,
    contra,
    header.factsHash?.toString('hex') ?? null,
    header.recordsHash?.toString('hex') ?? null,
  ];
  return hash('sha256', JSON.stringify(canonical), 'buffer');
}

/** SHA-256 over rows as JSON, one a line, in the order of their texts; null for none. */
export function recordsHash(rows: readonly (readonly unknown[])[]): Buffer | null {
  if (rows.length === 0) return null;
  const lines = rows.map((row) => JSON.stringify(row)).sort();
  return hash('sha256', lines.join('\n'), 'buffer');
}

/** Leaf of the lane's tree of links. */
export function linkLeaf(link: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.of(0), link]), 'buffer');
}
