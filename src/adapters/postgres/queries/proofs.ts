import type pg from 'pg';
import type { Ruleset } from '../../../domain/rules/ruleset.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { LOCK_MOMENT } from '../archive/one-moment.ts';
import { proveArchive } from '../archive/prove-archive.ts';
import { inTransaction } from '../pool.ts';
import { proveChain } from './prove-chain.ts';
import { proveCorrections } from './prove-corrections.ts';
import { proveFacts } from './prove-facts.ts';
import { proveGrants } from './prove-grants.ts';
import { proveHolds } from './prove-holds.ts';
import { proveQuarantine, proveReleases, proveWallets, proveZeroSums } from './prove-ledger.ts';

/**
 * Proves the books. Each proof computes both of its sides on its own, from what is stored, so that a mistake in the code
 * that wrote one of them shows. All look at one moment, whatever is being written meanwhile.
 */
export function proveBooks(
  pool: pg.Pool,
  ruleset: Ruleset | undefined,
  files: ArchiveFiles,
): Promise<readonly Proof[]> {
  return inTransaction(pool, async (client) => {
    await client.query('set transaction isolation level repeatable read read only');
    await client.query(LOCK_MOMENT);
    return [
      await proveZeroSums(client),
      ...(await proveWallets(client)),
      ...(await proveFacts(client, ruleset)),
      await proveGrants(client),
      await proveQuarantine(client),
      await proveReleases(client),
      await proveHolds(client),
      await proveCorrections(client, ruleset),
      await proveChain(client, files),
      ...(await proveArchive(client)),
    ];
  });
}
