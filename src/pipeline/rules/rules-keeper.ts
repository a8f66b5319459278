import { hashFiles } from '../../domain/rules/hash-files.ts';
import { loadRuleset, type RuleFile, type RuleLoadError, type Ruleset } from '../../domain/rules/ruleset.ts';
import { canRunTests, failingTests } from '../../domain/rules/run-rule-tests.ts';
import { AppError } from '../../errors.ts';

/** The directory that rules come from. Both throw `AppError(FILE_UNREADABLE)`. */
export interface RulesFolder {
  /** Changes whenever a file does; asked often. */
  readonly signature: () => Promise<string>;
  readonly read: () => Promise<readonly RuleFile[]>;
}

/** What a look at the directory brought. */
export type RulesNews =
  | { readonly kind: 'loaded'; readonly ruleset: Ruleset; readonly warnings: readonly RuleLoadError[] }
  | { readonly kind: 'refused'; readonly ruleset: Ruleset; readonly errors: readonly RuleLoadError[] }
  /** The files are again those in force. */
  | { readonly kind: 'restored'; readonly ruleset: Ruleset };

export interface RulesKeeperOptions {
  /** In force until a valid change is seen. */
  readonly ruleset: Ruleset;
  readonly folder: RulesFolder;
  /** Stores a ruleset before it comes into force: takeover and replay need it. A failure keeps the old one in force. */
  readonly keep: (ruleset: Ruleset) => Promise<void>;
  readonly onNews: (news: RulesNews) => void;
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number;
  /** Lets other work of the process go on between two tests of rules. */
  readonly breathe: () => Promise<void>;
}

/**
 * The rules in force in a running service. A change on disk takes effect as a whole when it is valid, between two
 * batches; an invalid one leaves what runs in force and is told everywhere until it is corrected.
 */
export class RulesKeeper {
  readonly #options: RulesKeeperOptions;
  #inForce: Ruleset;
  /** Of the files that were looked at last; nothing is read again while it stays the same. */
  #signature: string | undefined;

  constructor(options: RulesKeeperOptions) {
    this.#options = options;
    this.#inForce = options.ruleset;
  }

  get inForce(): Ruleset {
    return this.#inForce;
  }

  /** Looks at the directory once. Throws only what storing throws; the next look tries again. */
  async look(): Promise<void> {
    const { folder } = this.#options;
    let files: readonly RuleFile[];
    let signature: string;
    try {
      signature = await folder.signature();
      if (signature === this.#signature) return;
      files = await folder.read();
      // Somebody is writing at this moment: what was read may be half of it.
      if ((await folder.signature()) !== signature) return;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#refuse('', [unreadable(error)]);
      this.#signature = undefined;
      return;
    }
    await this.#take(files);
    this.#signature = signature;
  }

  async #take(files: readonly RuleFile[]): Promise<void> {
    const { now, keep, onNews } = this.#options;
    const hash = hashFiles(files);
    if (hash === this.#inForce.hash) {
      if (this.#inForce.onDisk === undefined) return;
      this.#inForce = withoutRefusal(this.#inForce);
      onNews({ kind: 'restored', ruleset: this.#inForce });
      return;
    }
    const options = { nowMs: now(), inForce: this.#inForce, runTests: false };
    const result = loadRuleset(files, options);
    const errors = result.ok ? await this.#runTests(result.ruleset) : result.errors;
    if (!result.ok || errors.length > 0) {
      this.#refuse(hash, errors);
      return;
    }
    await keep(result.ruleset);
    this.#inForce = result.ruleset;
    onNews({ kind: 'loaded', ruleset: result.ruleset, warnings: result.warnings });
  }

  async #runTests(ruleset: Ruleset): Promise<readonly RuleLoadError[]> {
    const errors: RuleLoadError[] = [];
    if (!canRunTests(ruleset)) return errors;
    for (const error of failingTests(ruleset)) {
      if (error !== undefined) errors.push(error);
      await this.#options.breathe();
    }
    return errors;
  }

  #refuse(hash: string, errors: readonly RuleLoadError[]): void {
    const known = this.#inForce.onDisk;
    if (known !== undefined && known.hash === hash) return;
    const sinceMs = known?.sinceMs ?? this.#options.now();
    this.#inForce = { ...withoutRefusal(this.#inForce), onDisk: { hash, sinceMs, errors: errors.length } };
    this.#options.onNews({ kind: 'refused', ruleset: this.#inForce, errors });
  }
}

function withoutRefusal({ onDisk: _onDisk, ...ruleset }: Ruleset): Ruleset {
  return ruleset;
}

function unreadable(error: AppError): RuleLoadError {
  const fix = 'give the directory back, or restart with another one';
  return { code: 'RULE-SHAPE-021', path: 'rules', line: 1, col: 1, message: error.message, fix };
}
