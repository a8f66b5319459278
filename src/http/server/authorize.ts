import type { FastifyRequest } from 'fastify';
import { mayDo } from '../../domain/api-keys/scopes.ts';
import { AppError } from '../../errors.ts';
import type { Authenticator, Principal } from './principal.ts';

/** Lets a request through to its route, or throws: `KEY_REQUIRED`, `KEY_INVALID`, `KEY_NOT_ALLOWED`. */
export async function authorize(request: FastifyRequest, authenticator: Authenticator): Promise<void> {
  // Whoever asks for what is not there learns that it is not there, and nothing else.
  if (request.is404) return;
  const { access } = request.routeOptions.config;
  if (access === 'open') return;
  const secret = bearerOf(request.headers.authorization);
  if (secret === undefined) throw new AppError('KEY_REQUIRED', 'This route needs an API key.');
  const principal = await authenticator.authenticate(secret);
  if (principal === undefined) throw new AppError('KEY_INVALID', 'This API key is not in force.');
  const asked = access === undefined ? [] : typeof access === 'string' ? [access] : access;
  if (!asked.some((scope) => mayDo(principal.scopes, scope))) {
    throw new AppError('KEY_NOT_ALLOWED', `This needs a key with the scope ${asked.join(' or ') || 'of nobody'}.`);
  }
  request.principal = principal;
}

/** Who asks, on a route that needs a key. */
export function principalOf(request: Pick<FastifyRequest, 'principal'>): Principal {
  if (request.principal === undefined) throw new RangeError('a route without a key has nobody to ask for');
  return request.principal;
}

function bearerOf(header: string | undefined): string | undefined {
  const [, secret] = /^Bearer +(\S{1,200})$/i.exec(header ?? '') ?? [];
  return secret;
}
