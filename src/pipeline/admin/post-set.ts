import { assert } from '../../domain/assert.ts';
import { eventKeyOf } from '../../domain/events/event-key.ts';
import type { CreditSource } from '../../domain/ledger/grant.ts';
import {
  type JudgedSet,
  judgeSet,
  type SetRow,
  type SetStatus,
  type SetWallet,
  setContentHash,
} from '../../domain/ledger/judge-set.ts';
import { LaneEventFactory } from '../lane/lane-event.ts';
import { KeyTakenError } from '../lane/lane-store.ts';

/** One charge or credit as somebody asks for it. */
export interface SetItem {
  /** Stable across retries, together with `atMs`: the same item sent again is a duplicate. */
  readonly id: string;
  readonly account: string;
  /** Nano-units: below zero a charge, above zero a credit. */
  readonly amount: bigint;
  /** When it takes effect, epoch milliseconds. */
  readonly atMs: number;
}

export interface SetRequest {
  readonly tenant: string;
  readonly items: readonly SetItem[];
  readonly currency: string;
  /** Where credits of the set come from. */
  readonly source: CreditSource;
  /** How far wallets without a limit of their own may go below zero. */
  readonly overdraftNanos: bigint;
  readonly actor: string;
  readonly reason: string | null;
  readonly nowMs: number;
  /** Judges every item and posts none: what a post would answer now. */
  readonly dryRun?: boolean;
}

/** One lane's share of a set, judged, as it is written: one ledger transaction. */
export interface SetRecord extends Pick<SetRequest, 'tenant' | 'currency' | 'source' | 'actor' | 'reason'>, JudgedSet {}

/** One database transaction on a lane; the lane's writer commits nothing until it ends. */
export interface SetTransaction {
  /** Days before are archived, and take no entries any more. */
  readonly entriesFromMs: number;
  /** Those of the wallets that exist. */
  readonly wallets: (walletIds: readonly bigint[]) => Promise<ReadonlyMap<bigint, SetWallet>>;
  /** Content hashes of the keys that are stored already, by uuid. */
  readonly findKeys: (rows: readonly SetRow[]) => Promise<ReadonlyMap<string, bigint>>;
  /** `KeyTakenError` when a key is stored already. */
  readonly write: (set: SetRecord) => Promise<void>;
}

/** What posting sets needs from the world. */
export interface SetStore {
  /** Where each shard lives. */
  readonly lanes: () => Promise<(shard: number) => number>;
  readonly transact: <T>(
    lane: number,
    at: { readonly nowMs: number; readonly timesMs: readonly number[] },
    work: (transaction: SetTransaction) => Promise<T>,
  ) => Promise<T>;
}

/** Rows of one database transaction: it holds the lane's fence, and usage waits for it. */
const ROWS_MAX = 5_000;

const SOURCE = 'tollkeeper:set';
const NONE: ReadonlyMap<string, bigint> = new Map();

/**
 * Posts many small charges and credits of many wallets, a few thousand to a database transaction, without a writer that
 * keeps anything in memory. Each lane's share is a ledger transaction of its own; what does not fit its wallet is left out
 * and says so. Items of one account are posted in order. Sent again after a failure, what was posted is `duplicate`.
 *
 * Usage that waits `over_limit` is not posted here; the wallet's next top-up does that. Wallets with open grants or a
 * throttle are left out: their rows go through `topUp` and `adjust`, one wallet at a time.
 */
export class SetPoster {
  readonly #store: SetStore;
  /** Addresses are two digests each, so the poster keeps those of the accounts it has met, by currency. */
  readonly #addresses = new Map<string, LaneEventFactory>();

  constructor(store: SetStore) {
    this.#store = store;
  }

  post(request: SetRequest): Promise<readonly SetStatus[]> {
    const { currency } = request;
    const addresses = this.#addresses.get(currency) ?? new LaneEventFactory(currency);
    this.#addresses.set(currency, addresses);
    return postSet(this.#store, addresses, request);
  }
}

async function postSet(
  store: SetStore,
  addresses: LaneEventFactory,
  request: SetRequest,
): Promise<readonly SetStatus[]> {
  const shares = await shareOut(store, addresses, request);
  const statuses = new Array<SetStatus>(request.items.length);
  await Promise.all(
    [...shares].map(async ([lane, share]) => {
      // Tried in one piece: a second part would be judged without the first.
      const rowsMax = request.dryRun === true ? share.rows.length : ROWS_MAX;
      for (let from = 0; from < share.rows.length; from += rowsMax) {
        const rows = share.rows.slice(from, from + rowsMax);
        const judged = await postPart(store, lane, request, rows);
        for (const [at, status] of judged.entries()) {
          const place = share.places[from + at];
          if (place !== undefined) statuses[place] = status;
        }
      }
    }),
  );
  return statuses;
}

/** What of a set one lane has. */
interface Share {
  readonly rows: SetRow[];
  /** Where each row stands among the items. */
  readonly places: number[];
}

async function shareOut(
  store: SetStore,
  addresses: LaneEventFactory,
  { items, tenant }: SetRequest,
): Promise<Map<number, Share>> {
  const laneOf = await store.lanes();
  const shares = new Map<number, Share>();
  for (const [place, { id, account, amount, atMs }] of items.entries()) {
    assert(amount !== 0n, 'a set moves money; an item of zero is a mistake of its maker');
    const address = addresses.addressOf(tenant, account);
    const key = eventKeyOf({ tenant, source: SOURCE, id, occurredAtMs: atMs });
    const row = { address, tenant, account, key, contentHash: setContentHash(address.walletId, amount), amount };
    const lane = laneOf(address.shard);
    const share = shares.get(lane) ?? { rows: [], places: [] };
    if (share.rows.push(row) === 1) shares.set(lane, share);
    share.places.push(place);
  }
  return shares;
}

/**
 * Most sets hold nothing twice, so keys are looked up only after the index has refused one; the second try has looked,
 * and only a set posted under the same keys by another lane at that very moment can make it fail again.
 */
async function postPart(
  store: SetStore,
  lane: number,
  request: SetRequest,
  rows: readonly SetRow[],
): Promise<readonly SetStatus[]> {
  const dryRun = request.dryRun === true;
  const timesMs = dryRun ? [] : [...new Set(rows.map(({ key }) => key.timeMs))];
  const at = { nowMs: request.nowMs, timesMs };
  for (let attempt = 1; ; attempt++) {
    try {
      return await store.transact(lane, at, async (transaction) => {
        const known = attempt === 1 && !dryRun ? NONE : await transaction.findKeys(rows);
        const wallets = await transaction.wallets([...new Set(rows.map(({ address }) => address.walletId))]);
        const { entriesFromMs } = transaction;
        const judged = judgeSet(rows, { wallets, known, entriesFromMs, overdraftDefault: request.overdraftNanos });
        if (attempt === 1) await requireNew(transaction, rows, judged);
        const { tenant, currency, source, actor, reason } = request;
        if (judged.postings.length > 0 && !dryRun)
          await transaction.write({ tenant, currency, source, actor, reason, ...judged });
        return judged.statuses;
      });
    } catch (error) {
      if (attempt === 3 || !(error instanceof KeyTakenError)) throw error;
    }
  }
}

/**
 * No index speaks for what is refused, and it may have been posted before: told that it does not fit, its maker would charge
 * it some other way, and twice. `KeyTakenError` when one was.
 */
async function requireNew(transaction: SetTransaction, rows: readonly SetRow[], judged: JudgedSet): Promise<void> {
  const refused = rows.filter((_, index) => judged.statuses[index]?.status === 'refused');
  if (refused.length === 0) return;
  const known = await transaction.findKeys(refused);
  if (known.size > 0) throw new KeyTakenError('a refused row of the set was posted before');
}
