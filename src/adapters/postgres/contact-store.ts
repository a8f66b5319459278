import type pg from 'pg';
import type { Contact } from '../../domain/contacts/contact.ts';
import { formatIso } from '../../domain/time.ts';
import type { ContactStore } from '../../pipeline/contacts/contact-store.ts';
import { inTransaction } from './pool.ts';

interface ContactRow {
  readonly email: string | null;
  readonly person_name: string | null;
  readonly account_name: string | null;
  readonly language: Contact['language'];
  readonly time_zone: string;
  readonly tells_low_balance: boolean;
}

/** Contacts on PostgreSQL. */
export function createContactStore(pool: pg.Pool): ContactStore {
  return {
    read: async (tenant, account) => {
      const { rows } = await pool.query<ContactRow>(
        `select email, person_name, account_name, language, time_zone, tells_low_balance from account_contact
         where tenant_id = $1 and account_id = $2`,
        [tenant, account],
      );
      const row = rows[0];
      return row === undefined ? undefined : readContact(row);
    },
    save: ({ tenant, account, contact, changed, actor, nowMs }) =>
      inTransaction(pool, async (client) => {
        const { email, personName, accountName, language, timeZone, tellsLowBalance } = contact;
        const { rowCount } = await client.query(
          `insert into account_contact (tenant_id, account_id, email, person_name, account_name, language, time_zone,
             tells_low_balance, changed_at, changed_by)
           select tenant_id, account_id, $3, $4, $5, $6, $7, $8, $9, $10 from account where tenant_id = $1 and account_id = $2
           on conflict (tenant_id, account_id) do update set email = excluded.email, person_name = excluded.person_name,
             account_name = excluded.account_name, language = excluded.language, time_zone = excluded.time_zone,
             tells_low_balance = excluded.tells_low_balance, changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
          [
            tenant,
            account,
            email,
            personName,
            accountName,
            language,
            timeZone,
            tellsLowBalance,
            formatIso(nowMs),
            actor,
          ],
        );
        if (rowCount !== 1) return false;
        await client.query(
          'insert into audit_log (at, tenant_id, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6)',
          [formatIso(nowMs), tenant, actor, 'account.contact', account, JSON.stringify({ changed })],
        );
        return true;
      }),
  };
}

/** A row of `account_contact`. */
export function readContact(row: ContactRow): Contact {
  return {
    email: row.email,
    personName: row.person_name,
    accountName: row.account_name,
    language: row.language,
    timeZone: row.time_zone,
    tellsLowBalance: row.tells_low_balance,
  };
}
