import type { Contact } from '../../domain/contacts/contact.ts';

/** Contacts of accounts. */
export interface ContactStore {
  /** Undefined when the account has none. */
  readonly read: (tenant: string, account: string) => Promise<Contact | undefined>;
  /** False when there is no such account. The audit log names the fields that changed and none of their values. */
  readonly save: (change: ContactChange) => Promise<boolean>;
}

export interface ContactChange {
  readonly tenant: string;
  readonly account: string;
  readonly contact: Contact;
  readonly changed: readonly string[];
  readonly actor: string;
  readonly nowMs: number;
}
