import { formatEventKey } from '../../domain/events/event-key.ts';
import type { OpenedGrant } from '../../domain/ledger/wallet-change.ts';
import { formatIso } from '../../domain/time.ts';
import type { CorrectionRow } from '../../pipeline/admin/correction-store.ts';

/** What a batch took out of a grant, as its records hash covers it: a row of `grant_burn`. */
export function burnRecord(burn: {
  readonly grantId: string;
  readonly walletId: bigint;
  readonly amount: bigint;
}): readonly unknown[] {
  return ['burn', burn.grantId, burn.walletId.toString(), burn.amount.toString()];
}

/** A grant as it was opened: a row of `credit_grant` but for `remaining`, which burns change. */
export function grantRecord(walletId: bigint, grant: OpenedGrant): readonly unknown[] {
  const { grantId, source, priority, amount, expiresAtMs, createdAtMs } = grant;
  const expires = expiresAtMs === null ? null : formatIso(expiresAtMs);
  return ['grant', grantId, walletId.toString(), source, priority, amount.toString(), expires, formatIso(createdAtMs)];
}

/** A row of `event_correction`. */
export function correctionRecord(walletId: bigint, row: CorrectionRow, atMs: number): readonly unknown[] {
  return [
    'correction',
    formatEventKey(row.event),
    row.correctionNo,
    row.kind,
    walletId.toString(),
    formatEventKey(row.reversalKey),
    row.amendedKey === null ? null : formatEventKey(row.amendedKey),
    row.reversed.toString(),
    row.charged.toString(),
    row.meter,
    row.quantity,
    row.rulesetHash,
    row.actor,
    row.reason,
    formatIso(atMs),
  ];
}
