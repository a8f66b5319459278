/** What types cannot say and Stripe enforces all the same. */

const AMOUNTS = new Set(['amount', 'unit_amount', 'amount_to_capture']);
const METADATA_KEYS_MAX = 50;
const KEY_CHARS_MAX = 40;
const VALUE_CHARS_MAX = 500;
const IDENTIFIER_CHARS_MAX = 100;
const IDEMPOTENCY_KEY_CHARS_MAX = 255;

export interface Found {
  readonly message: string;
  readonly param: string;
}

/** The first rule that a request breaks. */
export function brokenRule(operation: string, body: unknown, idempotencyKey: string | undefined): Found | undefined {
  if ((idempotencyKey ?? '').length > IDEMPOTENCY_KEY_CHARS_MAX) {
    return {
      message: `Idempotency keys are at most ${IDEMPOTENCY_KEY_CHARS_MAX} characters.`,
      param: 'Idempotency-Key',
    };
  }
  return inObject(operation, body, '');
}

function inObject(operation: string, value: unknown, path: string): Found | undefined {
  if (Array.isArray(value)) {
    return firstOf(value.map((item, index) => () => inObject(operation, item, `${path}[${index}]`)));
  }
  if (typeof value !== 'object' || value === null) return undefined;
  return firstOf(
    Object.entries(value).map(([name, item]) => () => {
      const param = path === '' ? name : `${path}[${name}]`;
      return fieldRule(operation, name, item, param) ?? inObject(operation, item, param);
    }),
  );
}

function fieldRule(operation: string, name: string, value: unknown, param: string): Found | undefined {
  if (AMOUNTS.has(name) && !/^[1-9]\d{0,14}$/.test(String(value))) {
    return { message: `Invalid positive integer: ${String(value)}`, param };
  }
  if (name === 'metadata') return metadataRule(value, param);
  if (name === 'payload' && /meterEvent/.test(operation)) return payloadRule(value, param);
  if (name === 'identifier' && String(value).length > IDENTIFIER_CHARS_MAX) {
    return { message: `An identifier has at most ${IDENTIFIER_CHARS_MAX} characters.`, param };
  }
  return undefined;
}

function metadataRule(value: unknown, param: string): Found | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  if (entries.length > METADATA_KEYS_MAX) return { message: `Metadata has at most ${METADATA_KEYS_MAX} keys.`, param };
  const bad = entries.find(
    ([key, text]) => key.length > KEY_CHARS_MAX || /[[\]]/.test(key) || String(text).length > VALUE_CHARS_MAX,
  );
  if (bad === undefined) return undefined;
  const message = `Metadata keys have at most ${KEY_CHARS_MAX} characters, values ${VALUE_CHARS_MAX}.`;
  return { message, param: `${param}[${bad[0]}]` };
}

function payloadRule(value: unknown, param: string): Found | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const bad = Object.entries(value).find(([, text]) => typeof text !== 'string');
  return bad === undefined
    ? undefined
    : { message: 'Values of a meter payload are strings.', param: `${param}[${bad[0]}]` };
}

function firstOf(checks: readonly (() => Found | undefined)[]): Found | undefined {
  for (const check of checks) {
    const found = check();
    if (found !== undefined) return found;
  }
  return undefined;
}
