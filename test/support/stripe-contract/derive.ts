import { readFileSync } from 'node:fs';
import ts from 'typescript-api';
import { type Place, type Schema, SchemaWriter } from './schema-writer.ts';

/** One operation of Stripe's API as the SDK knows it. */
export interface Operation {
  /** `paymentIntents.create` */
  readonly name: string;
  readonly method: string;
  /** With `{}` for each id: `/v1/payment_intents/{}/capture`. */
  readonly path: string;
  readonly request: Schema;
  readonly response: Schema;
}

export interface Contract {
  readonly version: string;
  readonly operations: readonly Operation[];
  readonly definitions: Readonly<Record<string, Schema>>;
  /** The definition of each object by its `object` field, for what events carry. */
  readonly objects: Readonly<Record<string, string>>;
}

/**
 * Reads the contract out of the installed SDK, which Stripe generates from its own specification: verb and path from the
 * resources' code, parameters and answers from their types.
 */
export function deriveContract(directory: string, version: string, names: readonly string[]): Contract {
  const entry = `${directory}/esm/stripe.esm.node.d.ts`;
  const program = ts.createProgram([entry], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  const client =
    module === undefined ? undefined : checker.getExportsOfModule(module).find(({ name }) => name === 'Stripe');
  if (client === undefined) throw new Error(`no Stripe client in ${entry}`);
  const writer = new SchemaWriter(checker);
  const operations = names.map((name) => operation(checker, writer, checker.getDeclaredTypeOfSymbol(client), name));
  return { version, operations, definitions: writer.definitions, objects: objectsOf(writer.definitions) };
}

function operation(checker: ts.TypeChecker, writer: SchemaWriter, client: ts.Type, name: string): Operation {
  let type = client;
  let method: ts.Symbol | undefined;
  for (const part of name.split('.')) {
    method = type.getProperty(part);
    if (method === undefined) throw new Error(`the SDK has no ${name} (at ${part})`);
    type = checker.getTypeOfSymbol(method);
  }
  const signature = type.getCallSignatures()[0];
  const declaration = method?.valueDeclaration;
  if (signature === undefined || declaration === undefined) throw new Error(`${name} is not a method`);
  const { verb, path } = callOf(declaration, name);
  const params = signature.getParameters().find((parameter) => parameter.name === 'params');
  const place: Place = path.startsWith('/v2/') && verb === 'POST' ? 'json' : 'form';
  return {
    name,
    method: verb,
    path,
    request: params === undefined ? emptyRequest() : writer.schema(typeOf(checker, params), place),
    response: writer.schema(answerOf(checker, signature.getReturnType()), 'answer'),
  };
}

function emptyRequest(): Schema {
  return { type: 'object', additionalProperties: false };
}

function typeOf(checker: ts.TypeChecker, parameter: ts.Symbol): ts.Type {
  return checker.getNonNullableType(checker.getTypeOfSymbol(parameter));
}

/** `Promise<Response<T>>` and `ApiListPromise<T>` resolve to what is on the wire. */
function answerOf(checker: ts.TypeChecker, returned: ts.Type): ts.Type {
  const answer = checker.getAwaitedType(returned);
  if (answer === undefined) throw new Error(`${checker.typeToString(returned)} is not a promise`);
  return answer;
}

/** Verb and path from the code next to the type: `_makeRequest('POST', `/v1/customers/${…}`, …)`. */
function callOf(declaration: ts.Declaration, name: string): { readonly verb: string; readonly path: string } {
  const file = declaration.getSourceFile().fileName.replace(/\.d\.ts$/, '.js');
  const className = ts.isClassDeclaration(declaration.parent) ? declaration.parent.name?.text : undefined;
  const code = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const owner = code.statements.filter(ts.isClassDeclaration).find((found) => found.name?.text === className);
  const last = name.split('.').at(-1);
  const method = owner?.members.filter(ts.isMethodDeclaration).find((member) => member.name.getText() === last);
  const call = /_makeRequest\('(\w+)', (?:'([^']*)'|`([^`]*)`)/.exec(method?.getText() ?? '');
  if (call === null) throw new Error(`no request in ${className}.${last} of ${file}`);
  const [, verb = '', plain, template = ''] = call;
  return { verb, path: plain ?? template.replaceAll(/\$\{[^}]*\}/g, '{}') };
}

function objectsOf(definitions: Readonly<Record<string, Schema>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, schema] of Object.entries(definitions)) {
    if (!key.startsWith('answer.') || typeof schema !== 'object') continue;
    const { properties, required } = schema as {
      readonly properties?: Record<string, { readonly const?: string }>;
      readonly required?: readonly string[];
    };
    const object = properties?.object?.const;
    const isDeleted = properties?.deleted?.const !== undefined;
    if (object === undefined || isDeleted || required?.includes('id') !== true) continue;
    found[object] ??= key;
  }
  return found;
}
