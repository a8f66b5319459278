import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { withJson } from '../options.ts';
import { print } from '../output/print.ts';
import { count } from '../output/words.ts';

interface MigrateOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

/** `migrate` */
export function registerMigrate(program: Command, context: CliContext): void {
  const command = program
    .command('migrate')
    .description('bring the database to this version; safe from several processes at once')
    .option('--dry-run', 'only list what would be applied');
  withJson(command, ['tollkeeper migrate --dry-run', 'tollkeeper migrate']).action(
    async ({ json, dryRun = false }: MigrateOptions) => {
      const names = dryRun ? (await context.migrations.status()).pending : await context.migrations.apply();
      const what = names.length === 0 ? 'The database is up to date.' : names.join('\n');
      const text =
        names.length === 0 ? what : `${what}\n${count(names.length, 'migration')} ${dryRun ? 'pending' : 'applied'}.`;
      print(context, json, { json: { dryRun, [dryRun ? 'pending' : 'applied']: names }, text });
    },
  );
}
