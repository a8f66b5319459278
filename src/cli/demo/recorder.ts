import { z } from 'zod';
import { HOUR_MS } from '../../domain/time.ts';
import type { BatchRecord } from '../../pipeline/lane/batch-record.ts';
import type { DemoAttack } from './plan.ts';

/** Money of one account in one hour, nano-units. */
export interface HourOfAccount {
  charged: bigint;
  refused: bigint;
}

/** A freeze as it was committed. */
export interface RecordedFreeze {
  readonly account: string;
  readonly atMs: number;
  readonly untilMs: number;
}

/** What a run was seen to do, batch by batch: what the database does not keep in this form. */
export interface Recorder {
  readonly record: (batch: BatchRecord) => void;
  readonly events: () => number;
  readonly accounts: () => number;
  /** First and last event time seen among posted usage. */
  readonly span: () => { readonly fromMs: number; readonly toMs: number };
  readonly hours: (account: string) => ReadonlyMap<number, HourOfAccount>;
  readonly freezes: () => readonly RecordedFreeze[];
  /** Stolen usage of an attack that was charged, and that a freeze kept from being charged. */
  readonly stolen: (attack: DemoAttack) => { readonly charged: bigint; readonly heldBack: bigint };
}

const timeMs = z.iso.datetime().transform((text) => Date.parse(text));
/** The message that a freeze sends. */
const frozenNews = z.object({ status: z.literal('frozen'), account: z.string(), at: timeMs, until: timeMs });

/** Follows the commits of a run. Attacks are known to the demo alone; nothing of them reaches the pipeline. */
export function createRecorder(attacks: readonly DemoAttack[]): Recorder {
  const byAccount = new Map<string, Map<number, HourOfAccount>>();
  const stolen = new Map(attacks.map((attack) => [attack, { charged: 0n, heldBack: 0n }]));
  const attackOf = new Map(
    attacks.flatMap((attack) =>
      attack.key === undefined ? [] : [[`${attack.account} ${attack.key}`, attack] as const],
    ),
  );
  const freezes: RecordedFreeze[] = [];
  const span = { fromMs: Number.POSITIVE_INFINITY, toMs: 0 };
  const accounts = new Set<string>();
  let events = 0;

  function record(batch: BatchRecord): void {
    events += batch.facts.length;
    for (const { item, status, amount } of batch.facts) {
      accounts.add(item.event.account);
      if (amount === null || (status !== 'posted' && status !== 'frozen' && status !== 'over_limit')) continue;
      const { account, occurredAtMs, properties } = item.event;
      const isCharged = status === 'posted';
      if (occurredAtMs < span.fromMs) span.fromMs = occurredAtMs;
      if (occurredAtMs > span.toMs) span.toMs = occurredAtMs;
      const hour = hourOf(byAccount, account, Math.floor(occurredAtMs / HOUR_MS));
      if (isCharged) hour.charged += amount;
      else hour.refused += amount;
      const attack = attackOf.get(`${account} ${String(properties?.key)}`);
      const loss = attack === undefined ? undefined : stolen.get(attack);
      if (loss !== undefined && isCharged) loss.charged += amount;
      else if (loss !== undefined) loss.heldBack += amount;
    }
    // From what was announced, not from the wallets: those have moved on, and may have thawed within this very batch.
    for (const { payload } of batch.outbox) {
      const news = frozenNews.safeParse(payload);
      if (news.success) freezes.push({ account: news.data.account, atMs: news.data.at, untilMs: news.data.until });
    }
  }
  return {
    record,
    events: () => events,
    accounts: () => accounts.size,
    span: () => span,
    hours: (account) => byAccount.get(account) ?? new Map(),
    freezes: () => freezes,
    stolen: (attack) => stolen.get(attack) ?? { charged: 0n, heldBack: 0n },
  };
}

function hourOf(byAccount: Map<string, Map<number, HourOfAccount>>, account: string, hour: number): HourOfAccount {
  let hours = byAccount.get(account);
  if (hours === undefined) {
    hours = new Map();
    byAccount.set(account, hours);
  }
  let found = hours.get(hour);
  if (found === undefined) {
    found = { charged: 0n, refused: 0n };
    hours.set(hour, found);
  }
  return found;
}
