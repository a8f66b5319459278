import type { Config } from '../config.ts';
import type { LoadResult, RuleFile, Ruleset } from '../domain/rules/ruleset.ts';
import type { Logger } from '../log.ts';
import type { AdminStore } from '../pipeline/admin/admin-store.ts';
import type { CaseStore } from '../pipeline/admin/case-store.ts';
import type { SetPoster } from '../pipeline/admin/post-set.ts';
import type { ApiKeyStore } from '../pipeline/api-keys/api-key.ts';
import type { ApprovalStore } from '../pipeline/approvals/approval-store.ts';
import type { ArchiveFiles, ArchiveStore } from '../pipeline/archive/archive-store.ts';
import type { KnownCases } from '../pipeline/backtest/case-labels.ts';
import type { History as UsageHistory } from '../pipeline/backtest/history-event.ts';
import type { CaseFileStore } from '../pipeline/cases/case-file-store.ts';
import type { ContactStore } from '../pipeline/contacts/contact-store.ts';
import type { EraseStore } from '../pipeline/contacts/erase-people.ts';
import type { Announcing } from '../pipeline/delivery/announce.ts';
import type { Delivering } from '../pipeline/delivery/deliver.ts';
import type { Finding } from '../pipeline/doctor/finding.ts';
import type { DunningSweep } from '../pipeline/dunning/sweep-dunning.ts';
import type { Queries } from '../pipeline/queries/queries.ts';
import type { ReconcileParts } from '../pipeline/reconcile/reconcile.ts';
import type { ReplayStore } from '../pipeline/replay/replay-store.ts';
import type { ReviewModel, ReviewStore } from '../pipeline/review/review-store.ts';
import type { History } from '../pipeline/statement/statement.ts';
import type { MoneyIn } from '../pipeline/stripe/money-in.ts';
import type { MoneyStore } from '../pipeline/stripe/money-store.ts';
import type { StoryStore } from '../pipeline/summaries/story-store.ts';
import type { Exporting } from '../pipeline/usage-export/run-export.ts';
import type { DemoStage } from '../wire/demo-stage.ts';
import type { HttpAddress } from '../wire/http-edge.ts';
import type { ReportedStatus } from '../wire/intake.ts';
import type { RunningRules } from '../wire/rules-state.ts';
import type { IngestJob } from './ingest/batch-jobs.ts';
import type { Output } from './output/output.ts';

/**
 * Everything a command gets from the world. Commands take it as an argument and construct nothing themselves, so tests
 * run them against fakes, and `main.ts` joins them with the real thing.
 */
export interface CliContext {
  /** Read on first use: `--help` must work with a broken environment. Throws `CONFIG_INVALID`. */
  readonly config: () => Config;
  readonly log: () => Logger;
  readonly output: Output;
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number;
  /** A key nobody has used: names a request that was given none. */
  readonly newKey: () => string;
  /** Random bytes that nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Who is typing, for the audit log: `cli:ana`. */
  readonly actor: string;
  readonly version: string;
  /** Directory of rule files in force, or the given one, read and checked. */
  readonly readRules: (directory?: string, options?: { readonly runTests?: boolean }) => Promise<RulesOnDisk>;
  /** What the service of this data directory has in force; undefined when none runs here. */
  readonly runningRules: () => Promise<RunningRules | undefined>;
  /** The same files as text: for commands that try variants of them, or edit one. */
  readonly readRuleTexts: (directory?: string) => Promise<RuleTexts>;
  /** The database alone, without queues or workers. */
  readonly openBooks: () => Promise<Books>;
  readonly archive: ArchiveControl;
  readonly migrations: MigrationControl;
  readonly startService: (options: {
    readonly ruleset: Ruleset;
    /** Where HTTP is served; not at all when left out. */
    readonly http?: HttpAddress;
    /** A fake Stripe beside the pipeline. */
    readonly stripeSandbox?: boolean;
  }) => Promise<RunningService>;
  readonly openIntake: (options: { readonly ruleset: Ruleset }) => Promise<Intake>;
  /** A pipeline of its own in a throwaway database, for `demo`. */
  readonly openDemoStage: (options: { readonly ruleset: Ruleset }) => Promise<DemoStage>;
  /** The figures of real usage that `demo` replays. */
  readonly readUsageProfile: () => Promise<unknown>;
  /** The configured language model; undefined when there is none. */
  readonly reviewModel: () => ReviewModel | undefined;
  readonly diagnose: () => Promise<readonly Finding[]>;
  /** Resolves when the process is asked to stop (SIGINT, SIGTERM). */
  readonly stopRequested: () => Promise<string>;
  /** Findings are not errors, yet some commands must fail because of them; 128 and more says which signal ended one. */
  readonly setExitCode: (code: 0 | 1 | 130 | 143) => void;
}

/** What `loadRuleset` says of a directory. */
export interface RulesOnDisk {
  readonly directory: string;
  readonly result: LoadResult;
}

/** Rule files as they stand in a directory. */
export interface RuleTexts {
  readonly directory: string;
  readonly files: readonly RuleFile[];
}

/** The ledger's read models and its direct path, on an open database. */
export interface Books {
  readonly queries: Queries;
  readonly admin: AdminStore & CaseStore;
  /** One account's past. */
  readonly history: History;
  /** What decisions were made of. */
  readonly replay: ReplayStore;
  /** Charges and credits of many wallets at once. */
  readonly sets: SetPoster;
  /** All usage of a tenant in the order of its arrival, for backtests. */
  readonly usage: (tenant: string) => Promise<UsageHistory>;
  /** Keys of the HTTP API. */
  readonly keys: ApiKeyStore;
  /** What people and payments have said of a tenant's accounts. */
  readonly cases: (tenant: string) => Promise<KnownCases>;
  /** Top-ups, Stripe's events and money cases. */
  readonly money: MoneyStore;
  /** The same with Stripe; throws `STRIPE_OFF` without a key. */
  readonly moneyIn: (ruleset: Ruleset) => MoneyIn;
  /** How accounts' people are reached. */
  readonly contacts: ContactStore;
  /** What messages to people are written from. */
  readonly stories: StoryStore;
  /** What a language model said of alerts. */
  readonly reviews: ReviewStore;
  /** What compares the books with Stripe; throws `STRIPE_OFF` without a key. */
  readonly reconciling: (ruleset: Ruleset) => ReconcileParts;
  /** Messages, their deliveries, and the channels that are set up. */
  readonly delivery: (ruleset: Ruleset) => Delivering & Announcing;
  /** Failed top-ups and their drafts. */
  readonly dunning: (ruleset: Ruleset) => DunningSweep;
  /** Erases what names the people of an account. */
  readonly erase: EraseStore;
  /** What people work on. */
  readonly caseFiles: CaseFileStore;
  /** Changes that wait for a second person. */
  readonly approvals: ApprovalStore;
  /** Usage told to meters; throws `STRIPE_OFF` without a key or meters to export. */
  readonly exporting: () => Exporting;
  readonly close: () => Promise<void>;
}

/** Days of entries as files. */
export interface ArchiveControl {
  /** The ledger and the archive directory: the configured one, or the one given. */
  readonly open: (directory?: string) => Promise<OpenArchive>;
  /** Files alone, without a database. */
  readonly files: () => ArchiveFiles;
}

export interface OpenArchive {
  readonly store: ArchiveStore;
  readonly files: ArchiveFiles;
  readonly directory: string;
  readonly lateWindowMs: number;
  readonly close: () => Promise<void>;
}

/** Looks at pending migrations, or applies them. Both open the database themselves. */
export interface MigrationControl {
  readonly status: () => Promise<{ readonly applied: readonly string[]; readonly pending: readonly string[] }>;
  /** Names applied now. */
  readonly apply: () => Promise<readonly string[]>;
}

/** A running pipeline, for `start`. */
export interface RunningService {
  /** What it listens to and owns, one line each. */
  readonly summary: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;
  readonly close: () => Promise<void>;
}

/** The way in for our own commands. */
export interface Intake {
  /** Names the run: its rejected events are found by it. */
  readonly run: string;
  /** Hands a job over; resolves with one status per event once all of them are durable. */
  readonly submit: (job: IngestJob['data']) => Promise<readonly ReportedStatus[]>;
  readonly close: () => Promise<void>;
}
