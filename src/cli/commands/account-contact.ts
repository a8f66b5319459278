import { type Command, Option } from 'commander';
import { type Contact, NO_CONTACT } from '../../domain/contacts/contact.ts';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError } from '../../errors.ts';
import { changeContact } from '../../pipeline/contacts/change-contact.ts';
import type { CliContext } from '../context.ts';
import { type CommonOptions, withCommon } from '../options.ts';
import { print } from '../output/print.ts';
import { facts } from '../output/table.ts';
import { withBooks } from '../with-books.ts';

interface ContactOptions extends CommonOptions {
  readonly email?: string | false;
  readonly person?: string | false;
  readonly called?: string | false;
  readonly language?: Contact['language'];
  readonly timeZone?: string;
  readonly lowBalance?: 'on' | 'off';
}

/** `account contact ACCOUNT` */
export function registerContact(account: Command, context: CliContext): void {
  const command = account
    .command('contact')
    .description('who is written to, in which language and time zone; without options, what is known')
    .argument('<account>', 'the account')
    .option('--email <address>', 'where mail to the customer goes')
    .option('--no-email', 'send no mail to the customer')
    .option('--person <name>', 'whom mail greets')
    .option('--no-person', 'greet nobody by name')
    .option('--called <name>', 'what people call the account')
    .option('--no-called', 'call the account by its id')
    .addOption(new Option('--language <code>', 'language of messages').choices(['en', 'de']))
    .option('--time-zone <name>', 'zone that times are told in, such as Europe/Berlin')
    .addOption(
      new Option('--low-balance <word>', 'tell the customer before the balance is gone').choices(['on', 'off']),
    );
  withCommon(command, [
    'tollkeeper account contact acme --email ana@example.com --person Ana --language de --time-zone Europe/Berlin',
    'tollkeeper account contact acme --no-email',
    'tollkeeper account contact acme --json',
  ]).action(async (name: string, options: ContactOptions) => {
    const wishes = wishesOf(options);
    const { contact, changed } = await withBooks(context, async ({ contacts, queries }) => {
      if (Object.keys(wishes).length > 0)
        return changeContact(contacts, {
          ...{ tenant: options.tenant, account: name, wishes, actor: context.actor },
          nowMs: context.now(),
        });
      const [found] = await queries.accounts({ tenant: options.tenant, account: name, limit: 1 });
      if (found === undefined) throw new AppError('ACCOUNT_NOT_FOUND', `There is no account ${JSON.stringify(name)}.`);
      return { contact: (await contacts.read(options.tenant, name)) ?? NO_CONTACT, changed: [] };
    });
    print(context, options.json, { json: { account: name, ...contact, changed }, text: contactText(name, contact) });
  });
}

function wishesOf({ email, person, called, language, timeZone, lowBalance }: ContactOptions): Partial<Contact> {
  const given = (value: string | false | undefined) => (value === false ? null : value);
  const wishes = {
    email: given(email),
    personName: given(person),
    accountName: given(called),
    language,
    timeZone,
    tellsLowBalance: lowBalance === undefined ? undefined : lowBalance === 'on',
  };
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
}

function contactText(account: string, contact: Contact): string {
  return [
    cleanText(account),
    facts([
      ['Mail', contact.email ?? 'none: the customer gets no mail'],
      ['Greeted as', contact.personName ?? undefined],
      ['Called', contact.accountName ?? undefined],
      ['Language', contact.language === 'de' ? 'German' : 'English'],
      ['Time zone', contact.timeZone],
      ['Low balance', contact.tellsLowBalance ? 'the customer is told before it is gone' : 'the customer is not told'],
    ]),
  ].join('\n\n');
}
