import { Command } from 'commander';
import { COMMANDS } from './commands.ts';
import type { CliContext } from './context.ts';

/** The command line, ready to parse. Nothing is opened or read until a command runs. */
export function createProgram(context: CliContext): Command {
  const program = new Command('tollkeeper');
  // Before the commands are added: they inherit both settings. Errors are printed by our one error printer instead.
  program.exitOverride().configureOutput({
    writeOut: (text) => context.output.data(text),
    writeErr: () => undefined,
  });
  program
    .description('Watches prepaid metered usage: exact wallets, rules that freeze leaks, alerts that say why.')
    .version(context.version, '-V, --version')
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .addHelpText('after', HELP);
  for (const register of COMMANDS) register(program, context);
  return program;
}

const HELP = `
Examples:
  $ tollkeeper start                          run the pipeline
  $ tollkeeper wallet topup acme "20.00 USD"  credit an account
  $ tollkeeper events show evt_1042           what became of one event
  $ tollkeeper alert list --status open       what needs eyes

Data goes to stdout, logs and progress to stderr. Exit codes: 0 done, 1 failed or
found something wrong, 2 wrong usage, also a file or directory on the command line that is not there.
The environment variables are listed in .env.example; a .env file in the working directory is read.`;
