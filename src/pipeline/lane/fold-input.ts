import type { FoldInput } from '../../domain/features/account-features.ts';
import { eventDetails } from '../../domain/features/event-details.ts';
import type { StoredFact } from './facts-codec.ts';

/** A stored fact as features saw it when it arrived. */
export function foldInputOf(fact: StoredFact): FoldInput {
  const believed = fact.status !== 'too_late' && fact.status !== 'in_future';
  return {
    meter: fact.meter,
    quantity: Number(fact.quantity),
    spendNanos: Number(fact.amount ?? 0n),
    occurredAtMs: believed ? fact.occurredAtMs : fact.ingestedAtMs,
    ingestedAtMs: fact.ingestedAtMs,
    claimedAtMs: fact.occurredAtMs,
    details: eventDetails(fact),
    disposition: dispositionOf(fact.status),
  };
}

function dispositionOf(status: StoredFact['status']): FoldInput['disposition'] {
  return status === 'posted' || status === 'altered' || status === 'duplicate' ? status : 'quarantined';
}
