import { type Contact, contactProblem, NO_CONTACT } from '../../domain/contacts/contact.ts';
import { AppError } from '../../errors.ts';
import type { ContactStore } from './contact-store.ts';

/** What is to change; null takes a value away. */
export type ContactWishes = Partial<Contact>;

/** Changes what is given and leaves the rest. Throws `CONTACT_INVALID` and `ACCOUNT_NOT_FOUND`. */
export async function changeContact(
  store: ContactStore,
  request: {
    readonly tenant: string;
    readonly account: string;
    readonly wishes: ContactWishes;
    readonly actor: string;
    readonly nowMs: number;
  },
): Promise<{ readonly contact: Contact; readonly changed: readonly string[] }> {
  const { tenant, account, wishes, actor, nowMs } = request;
  for (const field of ['email', 'personName', 'accountName', 'timeZone'] as const) {
    const value = wishes[field];
    if (value === undefined || value === null) continue;
    const problem = contactProblem(field, value);
    if (problem !== undefined) throw new AppError('CONTACT_INVALID', `${field}: ${JSON.stringify(value)} ${problem}.`);
  }
  const before = (await store.read(tenant, account)) ?? NO_CONTACT;
  const contact: Contact = { ...before, ...wishes };
  const fields = ['email', 'personName', 'accountName', 'language', 'timeZone', 'tellsLowBalance'] as const;
  const changed = fields.filter((field) => contact[field] !== before[field]);
  const saved = changed.length === 0 || (await store.save({ tenant, account, contact, changed, actor, nowMs }));
  if (!saved) throw new AppError('ACCOUNT_NOT_FOUND', `There is no account ${JSON.stringify(account)}.`);
  return { contact, changed };
}
