import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from 'ajv';
import qs from 'qs';
import type { Contract, Operation } from './derive.ts';
import { brokenRule } from './hand-rules.ts';

/** A request as it arrived. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
  readonly contentType: string;
  readonly idempotencyKey: string | undefined;
}

/** What is wrong with a request, as Stripe would say it. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly param?: string;
  readonly code?: string;
}

const QS_OPTIONS = { depth: 20, arrayLimit: 1_000, parameterLimit: 5_000, allowPrototypes: true } as const;
const SHOWN_MAX = 5;

/** Holds requests and answers against the contract. */
export class ContractChecker {
  readonly #contract: Contract;
  readonly #ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(contract: Contract) {
    this.#contract = contract;
    const is: SchemaValidateFunction = (name: string, data: unknown, _schema, at) => {
      const validate = this.#validator(name, contract.definitions[name] ?? false);
      if (validate(data)) return true;
      const path = at?.instancePath ?? '';
      is.errors = validate.errors?.map((error) => ({ ...error, instancePath: path + error.instancePath })) ?? [];
      return false;
    };
    // References are followed when data gets there: compiled all at once, one payment alone reaches 2,000 definitions.
    this.#ajv.addKeyword({ keyword: 'is', schemaType: 'string', validate: is, errors: 'full' });
  }

  /** The operation of a path; undefined for everything that Stripe does not have, or Tollkeeper must not call. */
  operation(method: string, path: string): Operation | undefined {
    const parts = path.split('/');
    return this.#contract.operations.find((operation) => {
      const pattern = operation.path.split('/');
      const fits = pattern.length === parts.length && operation.method === method;
      return fits && pattern.every((part, at) => (part === '{}' ? parts[at] !== '' : part === parts[at]));
    });
  }

  /** The refusal of a request that breaks the contract. */
  refusal(request: WireRequest): Refusal | undefined {
    const { method, path } = request;
    const operation = this.operation(method, path);
    if (operation === undefined) return { status: 404, message: `Unrecognized request URL (${method}: ${path}).` };
    const values = valuesOf(request);
    if (values === undefined) return { status: 400, message: `${request.contentType} is not what ${path} takes.` };
    const validate = this.#validator(`request ${operation.name}`, operation.request);
    if (!validate(values)) return refusalOf(validate.errors ?? []);
    const broken = brokenRule(operation.name, values, request.idempotencyKey);
    return broken === undefined ? undefined : { status: 400, ...broken };
  }

  /** What is wrong with an answer of status 200; nothing when it is as the SDK's types say. */
  answerProblems(operation: Operation, body: unknown): readonly string[] {
    const problems = this.#problems(`answer ${operation.name}`, operation.response, body);
    return [...problems, ...eventsIn(body).flatMap((event) => this.eventProblems(event))];
  }

  /** What is wrong with an event: the object in it must be as its own type says. */
  eventProblems(event: EventLike): readonly string[] {
    const object = event.data?.object;
    const kind = typeof object === 'object' && object !== null && 'object' in object ? String(object.object) : '';
    const definition = this.#contract.objects[kind];
    if (definition === undefined) return [`${String(event.type)}: the contract has no object ${kind}`];
    return this.#problems(`object ${kind}`, { $ref: `#/definitions/${definition}` }, object);
  }

  #problems(name: string, schema: Operation['response'], value: unknown): readonly string[] {
    const validate = this.#validator(name, schema);
    if (validate(value)) return [];
    const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'anyOf');
    return errors
      .slice(0, SHOWN_MAX)
      .map((error) => `${name}: ${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`);
  }

  #validator(name: string, schema: Operation['request']): ValidateFunction {
    const known = this.#compiled.get(name);
    if (known !== undefined) return known;
    const text = JSON.stringify(schema).replaceAll('"$ref":"#/definitions/', '"is":"');
    const validate = this.#ajv.compile(JSON.parse(text));
    this.#compiled.set(name, validate);
    return validate;
  }
}

function valuesOf({ method, path, query, body, contentType }: WireRequest): unknown {
  if (method !== 'POST') return qs.parse(query, QS_OPTIONS);
  if (path.startsWith('/v2/')) return contentType.startsWith('application/json') ? JSON.parse(body || '{}') : undefined;
  return contentType.startsWith('application/x-www-form-urlencoded') ? qs.parse(body, QS_OPTIONS) : undefined;
}

function refusalOf(errors: readonly ErrorObject[]): Refusal {
  const unknown = errors.find(({ keyword }) => keyword === 'additionalProperties');
  if (unknown !== undefined) {
    const param = paramOf(unknown.instancePath, String(unknown.params.additionalProperty));
    return { status: 400, message: `Received unknown parameter: ${param}`, param, code: 'parameter_unknown' };
  }
  const missing = errors.find(({ keyword }) => keyword === 'required');
  if (missing !== undefined) {
    const param = paramOf(missing.instancePath, String(missing.params.missingProperty));
    return { status: 400, message: `Missing required param: ${param}.`, param, code: 'parameter_missing' };
  }
  const [first] = errors;
  const param = paramOf(first?.instancePath ?? '', '');
  return { status: 400, message: `Invalid ${param}: ${first?.message ?? 'not valid'}`, param };
}

function paramOf(instancePath: string, name: string): string {
  const [first = '', ...rest] = [...instancePath.split('/').slice(1), name].filter((part) => part !== '');
  return first + rest.map((part) => `[${part}]`).join('');
}

interface EventLike {
  readonly type?: unknown;
  readonly data?: { readonly object?: unknown };
}

/** The events in an answer: itself, or a page of them. */
function eventsIn(body: unknown): readonly EventLike[] {
  if (typeof body !== 'object' || body === null || !('object' in body)) return [];
  if (body.object === 'event') return [body as EventLike];
  const isList = body.object === 'list' && 'data' in body && Array.isArray(body.data);
  return isList ? (body.data as readonly unknown[]).flatMap((item) => eventsIn(item)) : [];
}
