import { z } from 'zod';
import { HOUR_MS, MINUTE_MS } from '../time.ts';
import { ACTION_KINDS, type BandAction } from './band.ts';
import { take } from './compile-context.ts';
import { suggest } from './did-you-mean.ts';
import { parseDuration, parseMoney, parsePercent } from './units.ts';
import type { YamlPath, YamlSource } from './yaml-source.ts';

export const actionShape = z.strictObject({
  kind: z.string().describe('notify, freeze_wallet, throttle_wallet or radar_review.'),
  hours: z.int().optional().describe('How long a freeze or a slow-down lasts, or payments are looked at by Radar.'),
  to: z.string().min(1).optional().describe('Who is told, for notify.'),
  limit: z
    .union([z.string(), z.number()])
    .optional()
    .describe('What a slowed wallet may spend per period, for throttle_wallet.'),
  per: z.string().optional().describe('The period of the limit, such as 1h.'),
  of_usual: z.string().optional().describe('Lets an account spend this share of its own usual, when that is more.'),
});

type ActionDocument = z.infer<typeof actionShape>;

/** An action is a pause for a person to look, not a sentence; authorised payments may be looked at for longer. */
const HOURS_MAX = 168;
const RADAR_HOURS_MAX = 30 * 24;
const DEFAULT_PERIOD_MS = HOUR_MS;
const OF_USUAL_MIN = 0.1;
const OF_USUAL_MAX = 10;

/** What each kind of action does not take, with what to do instead. */
const OTHERS: Readonly<Record<BandAction['kind'], readonly (keyof ActionDocument)[]>> = {
  notify: ['hours', 'limit', 'per', 'of_usual'],
  freeze_wallet: ['to', 'limit', 'per', 'of_usual'],
  throttle_wallet: ['to'],
  radar_review: ['to', 'limit', 'per', 'of_usual'],
};

/** Reads one action of a band. Problems are reported on the source; undefined when there are any. */
export function readAction(
  source: YamlSource,
  at: YamlPath,
  action: ActionDocument,
  currency: string | undefined,
): BandAction | undefined {
  const kind = ACTION_KINDS.find((known) => known === action.kind);
  if (kind === undefined) {
    const message = `${action.kind} is not an action.`;
    source.report([...at, 'kind'], 'RULE-NAME-003', message, suggest(action.kind, ACTION_KINDS));
    return undefined;
  }
  for (const key of OTHERS[kind]) {
    if (action[key] !== undefined) source.report([...at, key], 'RULE-LOGIC-010', ...uselessKey(kind, key));
  }
  if (kind === 'notify') {
    if (action.to !== undefined) return { kind, to: action.to };
    source.report(at, 'RULE-SHAPE-002', 'notify has no to.', 'add to: support');
    return undefined;
  }
  const hours = readHours(source, at, action.hours, kind);
  if (kind !== 'throttle_wallet') return hours === undefined ? undefined : { kind, hours };
  const limit = readLimit(source, at, action, { hours, currency });
  return hours === undefined || limit === undefined ? undefined : { kind, hours, ...limit };
}

function uselessKey(kind: BandAction['kind'], key: string): readonly [message: string, fix: string] {
  if (key === 'hours') return ['A message has no duration.', 'remove hours'];
  if (key !== 'to') return [`${kind} has no ${key}.`, `remove ${key}, or write throttle_wallet`];
  return [`${NOUNS[kind]} is not addressed to anybody.`, 'remove to, and add a notify action'];
}

type DatedKind = Exclude<BandAction['kind'], 'notify'>;

const NOUNS: Readonly<Record<BandAction['kind'], string>> = {
  notify: 'A message',
  freeze_wallet: 'A freeze',
  throttle_wallet: 'A slow-down',
  radar_review: 'A look by Radar',
};

function readHours(source: YamlSource, at: YamlPath, hours: number | undefined, kind: DatedKind): number | undefined {
  if (hours === undefined || hours < 1) {
    source.report(
      at,
      'RULE-SAFE-001',
      `${NOUNS[kind]} without an end stays until somebody remembers it.`,
      'add hours: 24',
    );
    return undefined;
  }
  const max = kind === 'radar_review' ? RADAR_HOURS_MAX : HOURS_MAX;
  if (hours <= max) return hours;
  const message = `hours: ${hours} is longer than ${max}.`;
  source.report([...at, 'hours'], 'RULE-SAFE-002', message, `hours: 24, or at most ${max}`);
  return undefined;
}

function readLimit(
  source: YamlSource,
  at: YamlPath,
  action: ActionDocument,
  { hours, currency }: { readonly hours: number | undefined; readonly currency: string | undefined },
): { readonly limitNanos: bigint; readonly periodMs: number; readonly ofUsual: number | null } | undefined {
  if (action.limit === undefined) {
    source.report(at, 'RULE-SHAPE-002', 'throttle_wallet has no limit.', `add limit: 5.00 ${currency ?? 'USD'}`);
    return undefined;
  }
  const limitNanos = take(source, [...at, 'limit'], parseMoney(String(action.limit), currency));
  if (limitNanos === 0n) {
    const message = 'A slow-down that lets nothing through is a freeze.';
    source.report([...at, 'limit'], 'RULE-SAFE-013', message, 'an amount above zero, or freeze_wallet');
  }
  const periodMs =
    action.per === undefined ? DEFAULT_PERIOD_MS : take(source, [...at, 'per'], parseDuration(action.per));
  if (periodMs !== undefined && (periodMs < MINUTE_MS || (hours !== undefined && periodMs > hours * HOUR_MS))) {
    const message = `per: ${action.per} is ${periodMs < MINUTE_MS ? 'too short' : 'longer than the slow-down itself'}.`;
    source.report([...at, 'per'], 'RULE-SAFE-014', message, `from 1min to ${hours ?? HOURS_MAX}h`);
  }
  const share = action.of_usual;
  const ofUsual = share === undefined ? null : take(source, [...at, 'of_usual'], parsePercent(share));
  if (ofUsual != null && (ofUsual < OF_USUAL_MIN || ofUsual > OF_USUAL_MAX)) {
    source.report([...at, 'of_usual'], 'RULE-SHAPE-018', `of_usual: ${share} is out of range.`, 'from 10% to 1000%');
  }
  if (limitNanos === undefined || periodMs === undefined || ofUsual === undefined) return undefined;
  return { limitNanos, periodMs, ofUsual };
}
