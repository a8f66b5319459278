import { invalidRequest } from '../stripe-fault.ts';
import type { ParamValue } from './form.ts';

export type Hash = Readonly<Record<string, ParamValue>>;

const METADATA_KEYS_MAX = 50;
const METADATA_KEY_CHARS_MAX = 40;
const METADATA_VALUE_CHARS_MAX = 500;

/** Reads parameters and complains about bad ones in the words of Stripe. */
export class Params {
  readonly #values: Hash;
  readonly #prefix: string;

  constructor(values: Hash, prefix = '') {
    this.#values = values;
    this.#prefix = prefix;
  }

  /** Refuses parameters the route does not know, as Stripe does. */
  refuseUnknown(known: readonly string[]): void {
    const unknown = Object.keys(this.#values).filter((name) => !known.includes(name));
    const [first] = unknown;
    if (first === undefined) return;
    const plural = unknown.length > 1 ? 's' : '';
    throw invalidRequest(`Received unknown parameter${plural}: ${unknown.join(', ')}`, {
      code: 'parameter_unknown',
      param: this.#prefix + first,
    });
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  /** Whether it is a group of parameters. */
  isHash(name: string): boolean {
    const value = this.#values[name];
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  }

  /** Undefined when absent; an empty text stays one, which for Stripe means "unset". */
  text(name: string): string | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'object') throw this.#invalid(name, 'Invalid string');
    return String(value);
  }

  required(name: string): string {
    const value = this.text(name);
    if (value !== undefined && value !== '') return value;
    throw invalidRequest(`Missing required param: ${this.#prefix}${name}.`, {
      code: 'parameter_missing',
      param: this.#prefix + name,
    });
  }

  /** One of a few words. */
  oneOf<const T extends readonly string[]>(name: string, words: T): T[number] | undefined {
    const value = this.text(name);
    if (value === undefined || value === '') return undefined;
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    throw invalidRequest(`Invalid ${this.#prefix}${name}: must be one of ${words.join(', ')}`, {
      param: this.#prefix + name,
    });
  }

  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined || value === '') return undefined;
    if (/^-?\d{1,15}$/.test(value)) return Number(value);
    throw invalidRequest(`Invalid integer: ${value}`, {
      code: 'parameter_invalid_integer',
      param: this.#prefix + name,
    });
  }

  boolean(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined || value === '') return undefined;
    if (value === 'true' || value === 'false') return value === 'true';
    throw this.#invalid(name, 'Invalid boolean');
  }

  /** A nested group of parameters; undefined when absent or unset. */
  hash(name: string): Params | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) throw this.#invalid(name, 'Invalid object');
    return new Params(Object.fromEntries(Object.entries(value)), `${this.#prefix}${name}.`);
  }

  /** A list of groups. */
  hashes(name: string): readonly Params[] {
    return this.#list(name).map((_, index) => this.#item(name, index));
  }

  /** A list of texts. */
  texts(name: string): readonly string[] {
    return this.#list(name).map((value) => String(value));
  }

  /** Texts by name, as in meter payloads. */
  map(name: string): Readonly<Record<string, string>> | undefined {
    const group = this.hash(name);
    return group === undefined
      ? undefined
      : Object.fromEntries(group.names().map((key) => [key, group.text(key) ?? '']));
  }

  names(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** Merges metadata the way Stripe does: named keys replace, an empty value removes, an empty `metadata` clears all. */
  metadata(before: Readonly<Record<string, string>> = {}): Record<string, string> {
    const given = this.#values.metadata;
    if (given === undefined) return { ...before };
    if (given === '' || given === null) return {};
    const merged = { ...before, ...this.map('metadata') };
    const kept = Object.entries(merged).filter(([, value]) => value !== '');
    if (kept.length > METADATA_KEYS_MAX) {
      throw invalidRequest(`Metadata can have at most ${METADATA_KEYS_MAX} keys`, { param: 'metadata' });
    }
    for (const [key, value] of kept) {
      if (key.length > METADATA_KEY_CHARS_MAX) {
        throw invalidRequest(`Metadata keys must be at most ${METADATA_KEY_CHARS_MAX} characters`, {
          param: 'metadata',
        });
      }
      if (value.length > METADATA_VALUE_CHARS_MAX) {
        throw invalidRequest(`Metadata values must be at most ${METADATA_VALUE_CHARS_MAX} characters`, {
          param: `metadata[${key}]`,
        });
      }
    }
    return Object.fromEntries(kept);
  }

  #list(name: string): readonly ParamValue[] {
    const value = this.#values[name];
    if (value === undefined || value === null || value === '') return [];
    if (!Array.isArray(value)) throw this.#invalid(name, 'Invalid array');
    return [...value];
  }

  #item(name: string, index: number): Params {
    const value = this.#list(name)[index];
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#invalid(name, 'Invalid object');
    return new Params(Object.fromEntries(Object.entries(value)), `${this.#prefix}${name}[${index}].`);
  }

  #invalid(name: string, what: string): Error {
    return invalidRequest(`${what}: ${this.#prefix}${name}`, { param: this.#prefix + name });
  }
}
