import { type Command, Option } from 'commander';
import { cleanLabel } from '../../domain/text/clean.ts';
import { erasePeople } from '../../pipeline/contacts/erase-people.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { print } from '../output/print.ts';
import { facts } from '../output/table.ts';
import { withBooks } from '../with-books.ts';

interface EraseOptions extends CommonOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
}

/** `account erase ACCOUNT` */
export function registerErase(account: Command, context: CliContext): void {
  const command = account
    .command('erase')
    .description('erase what names the people of an account: contact, messages, drafts and notes; the books stay')
    .argument('<account>', 'the account')
    .addOption(new Option('--reason <text>', 'why; kept in the audit log').makeOptionMandatory())
    .option('--dry-run', 'count, and leave everything as it is');
  withCommon(command, ['tollkeeper account erase acme --reason "request of 3 March" --dry-run']).action(
    async (name: string, { json, tenant, reason, dryRun = false }: EraseOptions) => {
      const erased = await withBooks(context, ({ erase }) =>
        erasePeople(erase, { tenant, account: name, reason, actor: context.actor, nowMs: context.now(), dryRun }),
      );
      const { contact, messages, drafts, notes } = erased;
      print(context, json, {
        json: { account: name, dryRun, ...erased },
        text: [
          `${cleanLabel(name, 60)}: ${dryRun ? 'would be erased' : 'erased'}. The books name nobody and stay.`,
          facts([
            ['Contact', contact === 0 ? 'none' : '1'],
            ['Messages', String(messages)],
            ['Drafts', String(drafts)],
            ['Notes', String(notes)],
          ]),
        ].join('\n\n'),
      });
    },
  );
}
