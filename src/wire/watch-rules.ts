import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { createRulesetArchive } from '../adapters/postgres/ruleset-archive.ts';
import { readRuleFiles, signRuleFiles } from '../adapters/rule-files.ts';
import { formatRuleLoadError } from '../domain/rules/load-error.ts';
import { refusedWords, shortHash } from '../domain/rules/rules-words.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { RulesKeeper, type RulesNews } from '../pipeline/rules/rules-keeper.ts';
import { removeRunningRules, writeRunningRules } from './rules-state.ts';

/** How soon a change of a file is in force. */
const LOOK_MS = 1_000;

/** How many errors of a refused ruleset the log shows; `rules check` shows all. */
const ERRORS_LOGGED = 5;

/** A line of the log about the rules. */
export interface RulesLine {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface WatchOptions {
  readonly pool: pg.Pool;
  readonly ruleset: Ruleset;
  readonly directory: string;
  /** Where other commands find what is in force. */
  readonly dataDir: string;
  readonly onLine: (line: RulesLine) => void;
  readonly onProblem: (what: string, error: unknown) => void;
  readonly now: () => number;
  readonly lookMs?: number;
}

/** The rules of a running service, kept up with their directory. */
export interface WatchedRules {
  readonly ruleset: () => Ruleset;
  readonly close: () => Promise<void>;
}

/** Looks at the rules directory again and again; what is valid comes into force between two batches. */
export async function watchRules(options: WatchOptions): Promise<WatchedRules> {
  const { directory, dataDir, onLine, onProblem, now } = options;
  const stopping = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
  let loadedAtMs = now();
  let writing = Promise.resolve();
  const writeDown = (ruleset: Ruleset) => {
    writing = writing
      .then(() => writeRunningRules(dataDir, { ruleset, loadedAtMs, directory }))
      .catch((error: unknown) => onProblem('rules', error));
  };
  const keeper = new RulesKeeper({
    ruleset: options.ruleset,
    folder: { signature: () => signRuleFiles(directory), read: () => readRuleFiles(directory) },
    keep: createRulesetArchive(options.pool).keep,
    now,
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    onNews(news) {
      if (news.kind === 'loaded') loadedAtMs = now();
      writeDown(news.ruleset);
      onLine(lineFor(news));
    },
  });
  writeDown(keeper.inForce);
  await writing;
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      await pause(options.lookMs ?? LOOK_MS);
      if (!stopping.signal.aborted) await keeper.look().catch((error: unknown) => onProblem('rules', error));
    }
  })();
  return {
    ruleset: () => keeper.inForce,
    async close() {
      stopping.abort();
      await looking;
      await writing;
      await removeRunningRules(dataDir).catch((error: unknown) => onProblem('rules', error));
    },
  };
}

function lineFor(news: RulesNews): RulesLine {
  const { ruleset } = news;
  switch (news.kind) {
    case 'loaded': {
      const warnings = news.warnings.map(formatRuleLoadError);
      const message = `rules: ruleset ${shortHash(ruleset.hash)} is in force`;
      return { level: 'info', message, details: { ruleset: ruleset.hash, ...(warnings.length > 0 && { warnings }) } };
    }
    case 'restored': {
      const message = `rules: the files are again those in force (${shortHash(ruleset.hash)})`;
      return { level: 'info', message, details: { ruleset: ruleset.hash } };
    }
    case 'refused': {
      const errors = news.errors.slice(0, ERRORS_LOGGED).map(formatRuleLoadError);
      const details = { ruleset: ruleset.hash, onDisk: ruleset.onDisk?.hash, errors, all: news.errors.length };
      return { level: 'warn', message: `rules: ${refusedWords(ruleset) ?? 'refused'}`, details };
    }
  }
}
