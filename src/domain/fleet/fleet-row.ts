import type { FoldInput } from '../features/account-features.ts';
import type { AccountFeatures } from '../features/feature-state.ts';
import { DAY_MS } from '../time.ts';
import type { FleetRow } from './fleet-rule.ts';

/** A source is foreign to an account that is older than this, */
const SETTLED_MS = 2 * DAY_MS;
/** when it has appeared this recently and this seldom. */
const NEW_MS = 2 * DAY_MS;
const NEW_EVENTS_MAX = 3;

/** What the fleet is told of an event that was just folded; undefined for what it never looks at. */
export function fleetRowOf(account: string, features: AccountFeatures, input: FoldInput): FleetRow | undefined {
  const { details, disposition, meter, ingestedAtMs } = input;
  if (details === undefined || disposition === 'duplicate' || disposition === 'altered') return undefined;
  const profile = features.streams?.profile;
  const source = profile?.current(0);
  const isForeignSource =
    profile !== undefined &&
    source !== undefined &&
    source.count <= NEW_EVENTS_MAX &&
    ingestedAtMs - source.firstMs < NEW_MS &&
    profile.ageMs(ingestedAtMs) > SETTLED_MS;
  return { account, meter, ingestedAtMs, details, isForeignSource };
}
