import { formatEventKey } from '../../src/domain/events/event-key.ts';
import type { Books, Engine } from '../engine.ts';
import { MemoryAdmin } from './admin-store.ts';
import { MemoryLanes } from './lane-store.ts';
import { MemoryLedger } from './ledger.ts';
import { MemorySets } from './set-store.ts';

/** A ledger in memory: fast, and the same on every machine. */
export function openMemoryEngine(ledger = new MemoryLedger()): Engine {
  return {
    lanes: new MemoryLanes(ledger),
    admin: new MemoryAdmin(ledger),
    sets: new MemorySets(ledger),
    books: async () => booksOf(ledger),
    closeDays: async (beforeMs) => {
      for (const lane of ledger.lanes) lane.entriesFromMs = Math.max(lane.entriesFromMs, beforeMs);
    },
    faults: async () => proofs(ledger),
    brokenLinks: async () => brokenLinks(ledger),
    close: async () => undefined,
  };
}

/** The sums that books are proven by, each from rows of its own. */
function proofs({ entries, contra, wallets, grants, burns }: MemoryLedger): readonly string[] {
  const batches = new Map<string, bigint>();
  const posted = new Map<bigint, { sum: bigint; count: bigint }>();
  const add = (batch: string, amount: bigint) => batches.set(batch, (batches.get(batch) ?? 0n) + amount);
  for (const { lane, batchNo, walletId, amount } of entries.values()) {
    add(`${lane} ${batchNo}`, amount);
    const { sum, count } = posted.get(walletId) ?? { sum: 0n, count: 0n };
    posted.set(walletId, { sum: sum + amount, count: count + 1n });
  }
  for (const line of contra) {
    const [lane, batchNo, , amount = '0'] = line.split(' ');
    add(`${lane} ${batchNo}`, BigInt(amount));
  }
  const burnt = new Map<string, bigint>();
  for (const line of burns) {
    const [, , grantId = '', amount = '0'] = line.split(' ');
    burnt.set(grantId, (burnt.get(grantId) ?? 0n) + BigInt(amount));
  }
  return [
    ...[...batches].filter(([, sum]) => sum !== 0n).map(([batch, sum]) => `batch ${batch} sums to ${sum}`),
    ...[...wallets.values()].flatMap(({ walletId, account, posted: balance, seq }) => {
      const { sum, count } = posted.get(walletId) ?? { sum: 0n, count: 0n };
      return sum === balance && count === seq ? [] : [`${account} has ${balance}, its ${count} entries ${sum}`];
    }),
    ...[...grants.values()].flatMap(({ grantId, amount, remaining }) =>
      amount - (burnt.get(grantId) ?? 0n) === remaining ? [] : [`of ${grantId} ${remaining} is left`],
    ),
  ];
}

/** Goes through the chains from their first batches: each is linked to the one before it, and the last one is the lane's. */
function brokenLinks({ links, lanes }: MemoryLedger): readonly string[] {
  const ends = new Map(lanes.map(({ lane }) => [lane, { batchNo: 0, chain: '' }]));
  const broken: string[] = [];
  for (const { lane, batchNo, previous, chain } of links) {
    const before = ends.get(lane);
    const isLinked = before?.batchNo === batchNo - 1 && before.chain === previous;
    if (!isLinked) broken.push(`lane ${lane}: batch ${batchNo} is not linked to batch ${before?.batchNo}`);
    ends.set(lane, { batchNo, chain });
  }
  for (const { lane, lastBatch, chain } of lanes) {
    const end = ends.get(lane);
    const isEnd = end?.batchNo === lastBatch && end.chain === chain.toString('hex');
    if (!isEnd) broken.push(`lane ${lane} ends at batch ${lastBatch}, its chain at ${end?.batchNo}`);
  }
  return broken;
}

function booksOf(ledger: MemoryLedger): Books {
  const checkpoints = [...ledger.checkpoints].map(([walletId, { state, throughBatch }]) =>
    [walletId, throughBatch, Buffer.from(state).toString('hex')].join(' '),
  );
  return {
    entries: [...ledger.entries.values()]
      .map((entry) =>
        [
          formatEventKey(entry.key),
          entry.walletId,
          entry.seq,
          entry.amount,
          entry.balanceAfter,
          entry.contentHash,
          entry.kind,
          entry.lane,
          entry.batchNo,
        ].join(' '),
      )
      .sort(),
    quarantine: [...ledger.quarantine.values()]
      .map((row) =>
        [
          formatEventKey(row.key),
          row.walletId,
          row.reason,
          row.status,
          row.amount ?? '-',
          row.residue,
          row.contentHash,
          row.lane,
          row.batchNo,
          row.position,
        ].join(' '),
      )
      .sort(),
    wallets: [...ledger.wallets.values()]
      .map((wallet) =>
        [
          wallet.walletId,
          wallet.account,
          wallet.status,
          wallet.statusSequence,
          wallet.frozenAtMs ?? '-',
          wallet.frozenUntilMs ?? '-',
          wallet.frozenBy ?? '-',
          wallet.posted,
          wallet.residue,
          wallet.overdraftLimit ?? '-',
          wallet.throttle?.limit ?? '-',
          wallet.throttle?.periodMs ?? '-',
          wallet.throttle?.periodAtMs ?? '-',
          wallet.throttle?.spent ?? '-',
          wallet.throttle?.told?.periodAtMs ?? '-',
          wallet.throttle?.told?.sequence ?? '-',
          wallet.seq,
          wallet.quarantined,
          wallet.quarantinedEvents,
        ].join(' '),
      )
      .sort(),
    grants: [...ledger.grants.values()]
      .map((grant) =>
        [
          grant.grantId,
          grant.walletId,
          grant.source,
          grant.priority,
          grant.amount,
          grant.remaining,
          grant.expiresAtMs ?? '-',
          grant.createdAtMs,
        ].join(' '),
      )
      .sort(),
    burns: [...ledger.burns].sort(),
    batches: [...ledger.batches].sort(),
    contra: [...ledger.contra].sort(),
    decisions: [...ledger.decisions].sort(),
    messages: [...ledger.messages].map(([key, text]) => `${key} ${text}`).sort(),
    requests: [...ledger.requests].map(([key, { hash, result }]) => `${key} ${hash} ${JSON.stringify(result)}`).sort(),
    corrections: [...ledger.corrections.values()]
      .flat()
      .map((row) =>
        [
          formatEventKey(row.event),
          row.correctionNo,
          row.kind,
          row.lane,
          row.batchNo,
          formatEventKey(row.reversalKey),
          row.amendedKey === null ? '-' : formatEventKey(row.amendedKey),
          row.reversed,
          row.charged,
          row.meter ?? '-',
          row.quantity ?? '-',
        ].join(' '),
      )
      .sort(),
    holds: [...ledger.holds.values()]
      .map((hold) =>
        [
          hold.holdId,
          hold.walletId,
          hold.amount,
          hold.captureMax,
          hold.captured,
          hold.state,
          hold.placedAtMs,
          hold.expiresAtMs,
          hold.closedAtMs ?? '-',
        ].join(' '),
      )
      .sort(),
    holdAnswers: [...ledger.holdOperations.values()]
      .map(({ holdId, key, hash, operation, result }) =>
        [holdId, key, hash, operation, JSON.stringify(result)].join(' '),
      )
      .sort(),
    features: checkpoints.sort(),
    lanes: ledger.lanes.map((lane) =>
      [lane.lane, lane.epoch, lane.changeNo, lane.lastBatch, lane.clockMs, lane.featuresThrough].join(' '),
    ),
  };
}
