import { CommanderError } from 'commander';
import type { CliContext } from './context.ts';
import { describeError, errorJson, errorText } from './describe-error.ts';
import { protectNegativeAmounts } from './negative-amounts.ts';
import { createProgram } from './program.ts';

/** Runs one command line (without `node` and the script) and returns its exit code. Never throws. */
export async function run(
  args: readonly string[],
  context: Omit<CliContext, 'setExitCode'>,
  isDebugging: () => boolean,
): Promise<number> {
  let exitCode = 0;
  const program = createProgram({
    ...context,
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync(protectNegativeAmounts(args), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && isHelp(error)) {
      // A command without its subcommand is a mistake; the help is the best answer to it.
      if (error.code === 'commander.help') context.output.note(helpFor(program, args));
      return error.exitCode === 0 ? 0 : 2;
    }
    return report(error, args, context, isDebugging);
  }
}

function isHelp(error: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(error.code);
}

function helpFor(program: ReturnType<typeof createProgram>, args: readonly string[]): string {
  let command = program;
  for (const arg of args) command = command.commands.find((candidate) => candidate.name() === arg) ?? command;
  return command.helpInformation();
}

function report(
  error: unknown,
  args: readonly string[],
  { output }: Pick<CliContext, 'output'>,
  isDebugging: () => boolean,
): number {
  const description = describeError(error);
  // Parsing may be what failed, so whether JSON was asked for is read from the words themselves.
  const end = args.indexOf('--');
  const isJson = (end === -1 ? args : args.slice(0, end)).includes('--json');
  if (isJson) output.data(errorJson(description));
  else output.note(errorText(description));
  if (isDebugging() && error instanceof Error && error.stack !== undefined) output.note(error.stack);
  return description.exitCode;
}
