import type pg from 'pg';
import { hashFiles } from '../../domain/rules/hash-files.ts';
import { loadRuleset, type RuleFile, type Ruleset } from '../../domain/rules/ruleset.ts';

/** Every ruleset that was in force, by its hash. */
export interface RulesetArchive {
  /** Stores a ruleset's files once. A ruleset without files (made in a program) is not stored. */
  readonly keep: (ruleset: Pick<Ruleset, 'hash' | 'files'>) => Promise<void>;
  /** The ruleset behind a hash; undefined when it was never stored, or this release does not accept its files any more. */
  readonly read: (hash: string) => Promise<Ruleset | undefined>;
}

export function createRulesetArchive(pool: pg.Pool): RulesetArchive {
  const known = new Map<string, Ruleset | undefined>();
  return {
    async keep({ hash, files }) {
      if (files === undefined) return;
      await pool.query('insert into ruleset (hash, files) values ($1, $2) on conflict (hash) do nothing', [
        hash,
        JSON.stringify(files.map(({ path, text }) => ({ path, text }))),
      ]);
    },
    async read(hash) {
      if (known.has(hash)) return known.get(hash);
      const { rows } = await pool.query<{ files: readonly RuleFile[] }>('select files from ruleset where hash = $1', [
        hash,
      ]);
      const ruleset = rows[0] === undefined ? undefined : loadStored(rows[0].files, hash);
      known.set(hash, ruleset);
      return ruleset;
    },
  };
}

function loadStored(files: readonly RuleFile[], hash: string): Ruleset | undefined {
  // A file whose content is not its name would replay something else.
  if (hashFiles(files) !== hash) return undefined;
  const result = loadRuleset(files, { runTests: false });
  return result.ok ? result.ruleset : undefined;
}
