import { z } from 'zod';
import { isTimeZone } from '../domain/contacts/contact.ts';
import { DUNNING_STEPS, type DunningStep } from '../domain/dunning/episode.ts';
import { Secret } from '../secret.ts';
import { commaList, integer, mailAddress, optional, type Variable } from './values.ts';

/** Which channels messages go through, and for whom they are written. */
export interface NotifyConfig {
  /** The mail server, or a directory for mails as files; no mail when undefined. */
  readonly smtpUrl: Secret | undefined;
  readonly mailFrom: string | undefined;
  /** Who in support gets mail. */
  readonly notifyMail: readonly string[];
  readonly slackUrl: Secret | undefined;
  readonly webhookUrl: string | undefined;
  readonly webhookSecrets: readonly Secret[];
  /** Whether messages may go to private networks and without TLS. */
  readonly notifyPrivate: boolean;
  readonly supportLanguage: 'en' | 'de';
  readonly supportTimeZone: string;
  /** Hour of the day at which support gets its digest. */
  readonly digestHour: number;
  /** A balance that lasts no longer is told to its customer. */
  readonly lowBalanceDays: number;
  /** Steps of dunning that are sent without approval. */
  readonly dunningSends: ReadonlySet<DunningStep>;
  /** Whether accounts are slowed down while a top-up is unpaid and the balance runs out. */
  readonly dunningSlows: boolean;
  /** Where customers pay. */
  readonly payUrl: string | undefined;
}

/** Variables of messages, in the order of `.env.example`. */
export const NOTIFY_VARIABLES = {
  TOLLKEEPER_SMTP_URL: {
    schema: z
      .string()
      .regex(/^(?:smtps?:\/\/[^\s]+|file:[^\s].*)$/, 'is neither smtp://, smtps:// nor file:')
      .refine((value) => value.startsWith('file:') || URL.canParse(value), { error: 'is not an address' })
      .transform((value) => new Secret(value))
      .optional(),
    secret: true,
    fix: 'Give smtp://user:password@host:587, smtps://…, or file: and a directory for mails as files.',
  },
  TOLLKEEPER_MAIL_FROM: optional(mailAddress(), 'Give the address mail comes from, such as alerts@example.com.'),
  TOLLKEEPER_NOTIFY_MAIL: {
    schema: z
      .string()
      .transform((list) => commaList(list))
      .pipe(z.array(mailAddress()).max(20))
      .optional(),
    fix: 'Give mail addresses of support, with commas between them.',
  },
  TOLLKEEPER_SLACK_URL: {
    schema: z
      .string()
      .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
        error: 'is not an address',
      })
      .transform((value) => new Secret(value))
      .optional(),
    secret: true,
    fix: 'Give the address of an incoming webhook, https://hooks.slack.com/services/…',
  },
  TOLLKEEPER_WEBHOOK_URL: optional(
    z.string().refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
      error: 'is not an address that begins with https://',
    }),
    'Give the address that gets signed events, such as https://example.com/hooks/tollkeeper.',
  ),
  TOLLKEEPER_WEBHOOK_SECRET: {
    schema: z
      .string()
      .transform((list) => commaList(list))
      .pipe(
        z
          .array(z.string().regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'is not whsec_ and 24 to 64 bytes as base64'))
          .max(3),
      )
      .transform((list) => list.map((value) => new Secret(value)))
      .optional(),
    secret: true,
    fix: "Make one with: node -p \"'whsec_' + crypto.randomBytes(32).toString('base64')\"; two with a comma while one is replaced.",
  },
  TOLLKEEPER_NOTIFY_PRIVATE: {
    schema: z.enum(['refuse', 'allow'], { error: 'is neither refuse nor allow' }).optional(),
    standard: 'refuse',
    fix: 'Give allow to send to addresses of private networks and without TLS, refuse otherwise.',
  },
  TOLLKEEPER_SUPPORT_LANGUAGE: {
    schema: z.enum(['en', 'de'], { error: 'is neither en nor de' }).optional(),
    standard: 'en',
    fix: 'Give the language of messages to support: en or de.',
  },
  TOLLKEEPER_SUPPORT_TIME_ZONE: {
    schema: z.string().refine(isTimeZone, { error: 'is not a time zone' }).optional(),
    standard: 'UTC',
    fix: 'Give a time zone of the IANA list, such as Europe/Berlin.',
  },
  TOLLKEEPER_DIGEST_HOUR: integer('8', 0, 23),
  TOLLKEEPER_LOW_BALANCE_DAYS: integer('3', 0, 365),
  TOLLKEEPER_DUNNING_SENDS: {
    schema: z
      .string()
      .transform((list) => commaList(list))
      .pipe(z.array(z.enum(DUNNING_STEPS, { error: `is not one of ${DUNNING_STEPS.join(', ')}` })))
      .optional(),
    fix: 'Give steps that are sent without approval, with commas between them; leave it empty to approve each.',
  },
  TOLLKEEPER_DUNNING_SLOWS: {
    schema: z.enum(['on', 'off'], { error: 'is neither on nor off' }).optional(),
    standard: 'on',
    fix: 'Give off to leave accounts at full speed until their balance is used up.',
  },
  TOLLKEEPER_PAY_URL: optional(
    z.string().refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
      error: 'is not an address that begins with https://',
    }),
    'Give the page on which your customers pay, such as https://app.example.com/billing.',
  ),
} as const;

/** Reads one variable; undefined when it is not set, or wrong and noted as a problem. */
export type ReadVariable = <T>(name: keyof typeof NOTIFY_VARIABLES, variable: Variable<T>) => T | undefined;

/** Settings of messages from the environment. */
export function readNotify(read: ReadVariable): NotifyConfig {
  return {
    smtpUrl: read('TOLLKEEPER_SMTP_URL', NOTIFY_VARIABLES.TOLLKEEPER_SMTP_URL),
    mailFrom: read('TOLLKEEPER_MAIL_FROM', NOTIFY_VARIABLES.TOLLKEEPER_MAIL_FROM),
    notifyMail: read('TOLLKEEPER_NOTIFY_MAIL', NOTIFY_VARIABLES.TOLLKEEPER_NOTIFY_MAIL) ?? [],
    slackUrl: read('TOLLKEEPER_SLACK_URL', NOTIFY_VARIABLES.TOLLKEEPER_SLACK_URL),
    webhookUrl: read('TOLLKEEPER_WEBHOOK_URL', NOTIFY_VARIABLES.TOLLKEEPER_WEBHOOK_URL),
    webhookSecrets: read('TOLLKEEPER_WEBHOOK_SECRET', NOTIFY_VARIABLES.TOLLKEEPER_WEBHOOK_SECRET) ?? [],
    notifyPrivate: read('TOLLKEEPER_NOTIFY_PRIVATE', NOTIFY_VARIABLES.TOLLKEEPER_NOTIFY_PRIVATE) === 'allow',
    supportLanguage: read('TOLLKEEPER_SUPPORT_LANGUAGE', NOTIFY_VARIABLES.TOLLKEEPER_SUPPORT_LANGUAGE) ?? 'en',
    supportTimeZone: read('TOLLKEEPER_SUPPORT_TIME_ZONE', NOTIFY_VARIABLES.TOLLKEEPER_SUPPORT_TIME_ZONE) ?? 'UTC',
    digestHour: read('TOLLKEEPER_DIGEST_HOUR', NOTIFY_VARIABLES.TOLLKEEPER_DIGEST_HOUR) ?? 8,
    lowBalanceDays: read('TOLLKEEPER_LOW_BALANCE_DAYS', NOTIFY_VARIABLES.TOLLKEEPER_LOW_BALANCE_DAYS) ?? 3,
    dunningSends: new Set(read('TOLLKEEPER_DUNNING_SENDS', NOTIFY_VARIABLES.TOLLKEEPER_DUNNING_SENDS) ?? []),
    dunningSlows: read('TOLLKEEPER_DUNNING_SLOWS', NOTIFY_VARIABLES.TOLLKEEPER_DUNNING_SLOWS) !== 'off',
    payUrl: read('TOLLKEEPER_PAY_URL', NOTIFY_VARIABLES.TOLLKEEPER_PAY_URL),
  };
}
