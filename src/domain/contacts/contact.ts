import type { Language } from '../numbers-lock/number-words.ts';
import { cleanText } from '../text/clean.ts';

/** How the people of an account are reached and spoken to. */
export interface Contact {
  /** Null when nobody has told us: such a customer gets no mail. */
  readonly email: string | null;
  /** Whom mail greets. */
  readonly personName: string | null;
  /** What people call the account; its id when null. */
  readonly accountName: string | null;
  readonly language: Language;
  /** An IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** Whether the customer is told before the balance is gone. */
  readonly tellsLowBalance: boolean;
}

/** Of an account nobody has said anything about. */
export const NO_CONTACT: Contact = {
  email: null,
  personName: null,
  accountName: null,
  language: 'en',
  timeZone: 'UTC',
  tellsLowBalance: true,
};

/** Why a value cannot be part of a contact; undefined when it can. */
export function contactProblem(
  field: 'email' | 'personName' | 'accountName' | 'timeZone',
  value: string,
): string | undefined {
  switch (field) {
    case 'email':
      return isMailAddress(value) ? undefined : 'is not one mail address, such as ana@example.com';
    case 'timeZone':
      return isTimeZone(value) ? undefined : 'is not a time zone of the IANA list, such as Europe/Berlin';
    default:
      if (value.trim() === '' || value.length > NAME_MAX) return `is not a name of 1 to ${NAME_MAX} characters`;
      return cleanText(value) === value ? undefined : 'holds characters that cannot be seen';
  }
}

const NAME_MAX = 120;

/**
 * One plain address as mail programs send it (RFC 5321, without quoted local parts and comments): nothing in it can end a
 * header line or add a second recipient.
 */
export function isMailAddress(text: string): boolean {
  if (text.length > 254) return false;
  const match =
    /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}|(?:[A-Za-z0-9-]{1,63}\.)+xn--[A-Za-z0-9-]{1,59})$/.exec(
      text,
    );
  const local = match?.[1] ?? '';
  return match !== null && !local.startsWith('.') && !local.endsWith('.') && !local.includes('..');
}

/** Whether times can be told in this zone here. */
export function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 are taken by the runtime too, but know no summer time.
  if (!/^(?:UTC|[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){1,2})$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
