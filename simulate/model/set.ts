import { eventKeyOf, formatEventKey } from '../../src/domain/events/event-key.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { setContentHash } from '../../src/domain/ledger/judge-set.ts';
import type { SetItem } from '../../src/pipeline/admin/post-set.ts';
import { KIND, type ModelEntry, type ModelWallet } from './wallet.ts';

/** What the model says of one lane's share of a set. */
export interface ModelSet {
  /** One per item, in order: `posted`, `duplicate`, or why it was refused. */
  readonly statuses: readonly string[];
  /** In order of wallet and number. */
  readonly entries: readonly (ModelEntry & { readonly wallet: ModelWallet; readonly contentHash: bigint })[];
}

/** Posts the items one by one, each on its own, to the wallets themselves. */
export function postSet(
  items: readonly SetItem[],
  books: {
    readonly walletOf: (walletId: bigint) => ModelWallet | undefined;
    /** Content hash of the entry with this key. */
    readonly posted: (key: string) => bigint | undefined;
    readonly entriesFromMs: number;
    readonly overdraftDefault: bigint;
    readonly currency: string;
  },
): ModelSet {
  const { walletOf, posted, entriesFromMs, overdraftDefault, currency } = books;
  const entries: (ModelEntry & { wallet: ModelWallet; contentHash: bigint })[] = [];
  const funded = new Set<ModelWallet>();
  const statuses = items.map(({ id, account, amount, atMs }) => {
    const key = formatEventKey(eventKeyOf({ tenant: 'default', source: 'tollkeeper:set', id, occurredAtMs: atMs }));
    const { walletId } = addressOf('default', account, currency);
    const contentHash = setContentHash(walletId, amount);
    const before = entries.find((entry) => entry.key === key)?.contentHash ?? posted(key);
    if (before !== undefined) return before === contentHash ? 'duplicate' : 'conflict';
    if (atMs < entriesFromMs) return 'too_late';
    const wallet = walletOf(walletId);
    if (wallet === undefined) return 'unknown_wallet';
    if (wallet.grants.length > 0) return 'has_grants';
    if (wallet.throttle !== null) return 'has_throttle';
    if (amount < 0n && wallet.status !== 'active') return 'frozen';
    const left = wallet.posted - wallet.held + amount;
    if (amount < 0n && left < -(wallet.overdraft ?? overdraftDefault)) return 'short';
    const wasNegative = wallet.posted < 0n;
    entries.push({ ...wallet.post(key, amount < 0n ? KIND.charged : KIND.credited, amount), wallet, contentHash });
    if (wasNegative && wallet.posted >= 0n && wallet.status === 'active' && !funded.has(wallet)) {
      funded.add(wallet);
      wallet.statusSequence++;
    }
    return 'posted';
  });
  entries.sort((left, right) => {
    if (left.wallet.walletId !== right.wallet.walletId) return left.wallet.walletId < right.wallet.walletId ? -1 : 1;
    return left.seq < right.seq ? -1 : 1;
  });
  return { statuses, entries };
}
