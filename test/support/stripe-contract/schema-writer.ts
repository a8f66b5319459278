import ts from 'typescript-api';

/** A JSON Schema, as far as it is written here. */
export type Schema = { readonly [keyword: string]: unknown } | boolean;

/**
 * Where a value is found: in a form (everything is text), in a JSON body, or in an answer. Requests are closed, so that a
 * parameter Stripe does not know is refused; answers are open, since Stripe adds fields, and must have all required ones.
 */
export type Place = 'form' | 'json' | 'answer';

// The union of all event types; its members differ in what `data.object` is, which is checked by that object's own name.
const EVENT_UNION_MIN = 100;

const OBJECTS = ts.TypeFlags.Object | ts.TypeFlags.Intersection;

/** Turns types of the SDK into JSON Schema definitions. */
export class SchemaWriter {
  readonly definitions: Record<string, Schema> = {};
  readonly #checker: ts.TypeChecker;
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** The schema of a type. Named types become definitions, so that objects may contain each other. */
  schema(type: ts.Type, place: Place): Schema {
    const { flags } = type;
    if (flags & ts.TypeFlags.StringLiteral) return { const: (type as ts.StringLiteralType).value };
    if (flags & ts.TypeFlags.NumberLiteral) return this.#number(place);
    if (flags & ts.TypeFlags.BooleanLiteral) return this.#boolean(place, this.#checker.typeToString(type));
    if (flags & ts.TypeFlags.String) return { type: 'string' };
    if (flags & ts.TypeFlags.Number) return this.#number(place);
    if (flags & ts.TypeFlags.Boolean) return this.#boolean(place, undefined);
    if (flags & ts.TypeFlags.BigInt) return { type: 'string', pattern: '^-?\\d+$' };
    // A form has no null: the SDK writes it as an empty text.
    if (flags & ts.TypeFlags.Null) return place === 'form' ? { const: '' } : { type: 'null' };
    if (isDecimal(type)) return { type: 'string', pattern: '^-?\\d+(?:\\.\\d+)?$' };
    if (type.isUnion()) return this.#union(type, place);
    if (type.isIntersection()) return this.#intersection(type, place);
    if (flags & ts.TypeFlags.Object) return this.#object(type, place);
    return {};
  }

  #number(place: Place): Schema {
    return place === 'form' ? { type: 'string', pattern: '^-?\\d+(?:\\.\\d+)?$' } : { type: 'number' };
  }

  #boolean(place: Place, literal: string | undefined): Schema {
    if (literal !== undefined) return { const: place === 'form' ? literal : literal === 'true' };
    return place === 'form' ? { enum: ['true', 'false'] } : { type: 'boolean' };
  }

  #union(type: ts.UnionType, place: Place): Schema {
    const members = type.types.filter((member) => !(member.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)));
    if (members.length > EVENT_UNION_MIN && members.every((member) => member.flags & OBJECTS)) {
      return this.schema(this.#eventBase(members), place);
    }
    const schemas = members.map((member) => this.schema(member, place));
    const distinct = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
    // An open enum is any text.
    const isOpen = distinct.some((schema) => JSON.stringify(schema) === '{"type":"string"}');
    return simplest(isOpen ? distinct.filter((schema) => !isTextConstant(schema)) : distinct);
  }

  #eventBase(members: readonly ts.Type[]): ts.Type {
    const first = members[0];
    const event = first === undefined ? undefined : withoutHeaders(first);
    const base = event?.isClassOrInterface() ? this.#checker.getBaseTypes(event)[0] : undefined;
    if (base === undefined) throw new Error('the union of events has no common base');
    return base;
  }

  #intersection(type: ts.IntersectionType, place: Place): Schema {
    // `string & Record<never, never>`: the SDK's way to keep an enum open.
    if (type.types.some((member) => member.flags & ts.TypeFlags.String)) return { type: 'string' };
    const bare = withoutHeaders(type);
    if (bare !== type) return this.schema(bare, place);
    return { allOf: type.types.map((member) => this.schema(member, place)) };
  }

  #object(type: ts.Type, place: Place): Schema {
    const name = type.symbol?.name;
    if (name === 'Date') return { type: 'string' };
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', items: item === undefined ? {} : this.schema(item, place) };
    }
    const key = this.#nameOf(type, place);
    const ref = { $ref: `#/definitions/${key}` };
    if (this.definitions[key] !== undefined) return ref;
    // Claimed before its members are looked at, which may lead back here.
    this.definitions[key] = true;
    this.definitions[key] = this.#members(type, place);
    return ref;
  }

  #members(type: ts.Type, place: Place): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of this.#checker.getPropertiesOfType(type)) {
      const of = this.#checker.getTypeOfSymbol(property);
      const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      // `deleted?: void` and methods are not on the wire.
      const isVoid = this.#checker.getNonNullableType(of).flags & (ts.TypeFlags.Void | ts.TypeFlags.Never);
      if (isVoid || of.getCallSignatures().length > 0) continue;
      properties[property.name] = this.schema(of, place);
      if (!isOptional) required.push(property.name);
    }
    const index = type.getStringIndexType();
    const others = index === undefined ? place === 'answer' : this.schema(index, place);
    return { type: 'object', properties, required, additionalProperties: others };
  }

  /** Names are for people who read a failure; different types of one name get a number. */
  #nameOf(type: ts.Type, place: Place): string {
    const id = `${place}:${'id' in type ? String(type.id) : ''}`;
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const plain = `${place}.${this.#plainName(type)}`;
    let name = plain;
    for (let number = 2; this.#taken.has(name); number += 1) name = `${plain}-${number}`;
    this.#taken.add(name);
    this.#names.set(id, name);
    return name;
  }

  /** `Charge.Outcome`, `ApiList-Charge`, without the files they come from. */
  #plainName(type: ts.Type): string {
    const parts: string[] = [];
    for (let symbol: SymbolInTree | undefined = type.symbol; symbol !== undefined; symbol = symbol.parent) {
      if (!/^["_]/.test(symbol.name)) parts.unshift(symbol.name);
    }
    const items = this.#checker.getTypeArguments(type as ts.TypeReference).map((item) => item.symbol?.name ?? '');
    return [parts.join('.') || 'object', ...items].join('-').replaceAll(/[^\w.-]/g, '');
  }
}

/** The checker's symbols know what they are declared in, although its types do not say so. */
type SymbolInTree = ts.Symbol & { readonly parent?: SymbolInTree };

/** `Response<T>` is T with headers that are not in the body. */
function withoutHeaders(type: ts.Type): ts.Type {
  if (!type.isIntersection()) return type;
  const [only, ...more] = type.types.filter((member) => member.getProperty('lastResponse') === undefined);
  return only !== undefined && more.length === 0 ? only : type;
}

/** The SDK's class for exact numbers, which travel as text. */
function isDecimal(type: ts.Type): boolean {
  return type.getProperty('isZero') !== undefined && type.getProperty('toFixed') !== undefined;
}

function isTextConstant(schema: Schema): boolean {
  return typeof schema === 'object' && typeof schema.const === 'string';
}

function simplest(schemas: readonly Schema[]): Schema {
  const constants = schemas.filter((schema) => typeof schema === 'object' && 'const' in schema);
  const rest = schemas.filter((schema) => !constants.includes(schema));
  const words = constants.flatMap((schema) => (typeof schema === 'object' ? [schema.const] : []));
  const all = words.length > 1 ? [...rest, { enum: words }] : [...rest, ...constants];
  const [only] = all;
  return all.length === 1 && only !== undefined ? only : { anyOf: all };
}
