import { HOUR_MS } from '../time.ts';

/** `done` is an approved change that was carried out. */
export type ApprovalState = 'pending' | 'approved' | 'refused' | 'done';

/** What a second person is asked to look at before it happens. */
export interface Approval {
  readonly state: ApprovalState;
  /** Who wants the change: `cli:ana@host`, `key:…`. */
  readonly askedBy: string;
  readonly expiresAtMs: number;
  readonly decidedBy: string | null;
}

/** How long somebody may approve what was asked; after that it has to be asked again, on fresh figures. */
export const APPROVAL_MS = 24 * HOUR_MS;

export type Refusal = 'same_person' | 'expired' | 'decided';

export type Decided =
  | { readonly ok: true; readonly approval: Approval }
  | { readonly ok: false; readonly reason: Refusal };

/**
 * A request after somebody approved or refused it. Who asked can never approve; saying the same again changes nothing, so
 * that an approval that was cut off before its change was carried out can be sent again.
 */
export function decide(
  approval: Approval,
  { actor, as, nowMs }: { readonly actor: string; readonly as: 'approved' | 'refused'; readonly nowMs: number },
): Decided {
  const { state, askedBy, expiresAtMs } = approval;
  if (as === 'approved' && personOf(actor) === personOf(askedBy)) return { ok: false, reason: 'same_person' };
  if (state === as || (state === 'done' && as === 'approved')) {
    if (state === 'approved' && nowMs >= expiresAtMs) return { ok: false, reason: 'expired' };
    return { ok: true, approval };
  }
  if (state !== 'pending') return { ok: false, reason: 'decided' };
  if (nowMs >= expiresAtMs) return { ok: false, reason: 'expired' };
  return { ok: true, approval: { ...approval, state: as, decidedBy: actor } };
}

/** Money that freezing or thawing a wallet is about: its balance, whichever sign, and usage that waits. Nano-units. */
export function moneyAtStake({
  posted,
  quarantined,
}: {
  readonly posted: bigint;
  readonly quarantined: bigint;
}): bigint {
  return (posted < 0n ? -posted : posted) + quarantined;
}

/** The same user of two machines is one person. */
function personOf(actor: string): string {
  const name = actor.startsWith('cli:') ? actor.replace(/@.*$/s, '') : actor;
  return name.trim().toLowerCase();
}
