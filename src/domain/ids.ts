import { hash } from 'node:crypto';
import { int64Of, sha256, uint16At } from './digest.ts';

const SEPARATOR = '\u0000';
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Logical shards; an account's shard never changes, only the lane its shard is mapped to.
 * shard = first two bytes of SHA-256(tenant ‖ 0x00 ‖ account) mod 1024.
 */
export const SHARDS = 1024;

/** Where an account lives, and the id its wallet in one currency gets when it is opened. */
export interface AccountAddress {
  readonly shard: number;
  readonly walletId: bigint;
}

/**
 * Shard and wallet id of an account. The wallet id is 63 bits of the same digest, so that opening a wallet needs no
 * round trip and every replay opens the same one; the primary key refuses the one-in-10^9 collision at 10^5 wallets.
 */
export function addressOf(tenant: string, account: string, currency: string): AccountAddress {
  const shardDigest = sha256(tenant + SEPARATOR + account);
  const walletDigest = sha256(tenant + SEPARATOR + account + SEPARATOR + currency);
  return { shard: uint16At(shardDigest, 0) % SHARDS, walletId: BigInt.asUintN(64, int64Of(walletDigest)) >> 1n };
}

/** Public form of a wallet id: `wal_` and 13 characters of Crockford base 32. */
export function formatWalletId(walletId: bigint): string {
  let rest = walletId;
  let text = '';
  for (let index = 0; index < 13; index++) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text;
    rest >>= 5n;
  }
  return `wal_${text}`;
}

/** Wallet id of its public form, or undefined when the text is not one. */
export function parseWalletId(text: string): bigint | undefined {
  if (!/^wal_[0-9a-hjkmnp-tv-z]{13}$/.test(text)) return undefined;
  let value = 0n;
  for (const character of text.slice(4)) value = (value << 5n) | BigInt(ALPHABET.indexOf(character));
  return value < 1n << 63n ? value : undefined;
}

/** A stable, prefixed id from what it identifies: the same decision has the same id in every replay. */
export function derivedId(
  prefix: 'dec' | 'alt' | 'rej' | 'top' | 'chg' | 'grt' | 'cas' | 'apr' | 'rec' | 'dun',
  parts: readonly string[],
): string {
  const digest = hash('sha256', parts.join(SEPARATOR), 'buffer');
  let text = '';
  for (let index = 0; index < 16; index++) text += ALPHABET.charAt((digest[index] ?? 0) & 31);
  return `${prefix}_${text}`;
}
