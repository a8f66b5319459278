import type { Command } from 'commander';
import { registerAccount } from './commands/account.ts';
import { registerAlert } from './commands/alert.ts';
import { registerApiKey } from './commands/api-key.ts';
import { registerApproval } from './commands/approval.ts';
import { registerArchive } from './commands/archive.ts';
import { registerAudit } from './commands/audit.ts';
import { registerCase } from './commands/case.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDetect } from './commands/detect.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDunning } from './commands/dunning.ts';
import { registerEvents } from './commands/events.ts';
import { registerHold } from './commands/hold.ts';
import { registerIngest } from './commands/ingest.ts';
import { registerLabels } from './commands/labels.ts';
import { registerLedger } from './commands/ledger.ts';
import { registerMigrate } from './commands/migrate.ts';
import { registerNotify } from './commands/notify.ts';
import { registerQuarantine } from './commands/quarantine.ts';
import { registerRadar } from './commands/radar.ts';
import { registerReconcile } from './commands/reconcile.ts';
import { registerReview } from './commands/review.ts';
import { registerRules } from './commands/rules.ts';
import { registerSimulateAttack } from './commands/simulate-attack.ts';
import { registerStart } from './commands/start.ts';
import { registerStatement } from './commands/statement.ts';
import { registerStripe } from './commands/stripe.ts';
import { registerTopUp } from './commands/topup.ts';
import { registerUsageExport } from './commands/usage-export.ts';
import { registerWallet } from './commands/wallet.ts';
import type { CliContext } from './context.ts';

/** Adds a command to the program. */
export type Register = (program: Command, context: CliContext) => void;

/** Every command, in the order of `--help`. A new one is a file that exports a `Register`, and a line here. */
export const COMMANDS: readonly Register[] = [
  registerDemo,
  registerStart,
  registerIngest,
  registerEvents,
  registerQuarantine,
  registerWallet,
  registerHold,
  registerTopUp,
  registerDunning,
  registerRadar,
  registerStripe,
  registerReconcile,
  registerUsageExport,
  registerAccount,
  registerStatement,
  registerAudit,
  registerLedger,
  registerAlert,
  registerReview,
  registerCase,
  registerApproval,
  registerNotify,
  registerLabels,
  registerDetect,
  registerRules,
  registerSimulateAttack,
  registerDoctor,
  registerApiKey,
  registerArchive,
  registerMigrate,
];
