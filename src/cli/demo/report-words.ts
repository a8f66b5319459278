import type { QuarantineReason, RejectionCode } from '../../domain/events/usage-event.ts';
import type { AttackFamily, LookAlikeKind } from './plan.ts';

export const FAMILY_WORDS: Readonly<Record<AttackFamily, string>> = {
  leaked_key: 'leaked key',
  slow_drain: 'slow drain',
  tampered_meter: 'tampered meter',
};

export const LOOK_ALIKE_WORDS: Readonly<Record<LookAlikeKind, string>> = {
  onboarding_ramp: 'it is a new customer ramping up',
  product_launch: 'it launched a product',
  month_end_batch: 'it ran its month-end batch',
  key_rotation: 'it rotated its keys',
  offline_sync: 'it was offline and sent its backlog',
};

export const QUARANTINE_WORDS: Readonly<Record<QuarantineReason, string>> = {
  frozen: 'sent while the wallet was frozen',
  over_limit: 'beyond the balance and the overdraft limit',
  throttled: 'beyond what the wallet may spend per period',
  unknown_meter: 'a meter that has no price',
  too_late: 'more than 35 days late',
  in_future: 'a clock that runs ahead',
  altered: 'a known id with other content',
};

export const REJECTION_WORDS: Readonly<Record<RejectionCode, string>> = {
  EVENT_NOT_OBJECT: 'not an event at all',
  EVENT_FIELD_MISSING: 'a required field is missing',
  EVENT_FIELD_TYPE: 'a field has the wrong type',
  EVENT_FIELD_UNKNOWN: 'an unknown field',
  EVENT_TEXT_EMPTY: 'an empty name',
  EVENT_TEXT_TOO_LONG: 'a name that is too long',
  EVENT_TEXT_CONTROL: 'control characters in a name',
  QUANTITY_NOT_DECIMAL: 'a quantity that is not a number',
  QUANTITY_NOT_FINITE: 'an endless quantity',
  QUANTITY_NEGATIVE: 'a negative quantity',
  QUANTITY_TOO_LARGE: 'a quantity that is too large',
  QUANTITY_TOO_PRECISE: 'a quantity with too many decimals',
  TIME_INVALID: 'a time that does not exist',
  SEQUENCE_INVALID: 'a sequence that is not a whole number',
  PROPERTIES_TOO_LARGE: 'properties that are too large',
  PROPERTIES_TOO_DEEP: 'properties nested too deeply',
  TENANT_NOT_ALLOWED: 'a tenant that may not be named',
  ACCOUNT_NOT_ALLOWED: 'an account that the key may not name',
  JOB_NOT_JSON: 'a job that is not JSON',
  JOB_SHAPE: 'a job of another shape',
  JOB_TOO_LARGE: 'a job that is too large',
  JOB_TOO_MANY_EVENTS: 'a job of too many events',
  JOB_FAILED: 'a job that failed too often',
  AMOUNT_TOO_LARGE: 'a charge that fits no wallet',
  EVENT_NOT_STORABLE: 'text that cannot be stored',
};
