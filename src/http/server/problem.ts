import type { FastifyReply } from 'fastify';
import { cleanText } from '../../domain/text/clean.ts';
import { AppError, ERROR_CATALOGUE, type ErrorCode, type ErrorKind } from '../../errors.ts';
import { redact } from '../../log-redaction.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** One field of a request that is wrong. */
export interface FieldProblem {
  /** Where it is: `body.amount`, `query.limit`, `header.idempotency-key`. */
  readonly field: string;
  readonly message: string;
}

/** An error as HTTP gives it (RFC 9457), with the code and the fix of the catalogue. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly fix: string;
  readonly requestId?: string;
  readonly errors?: readonly FieldProblem[];
}

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  usage: 400,
  config: 500,
  input: 422,
  conflict: 409,
  not_found: 404,
  denied: 403,
  busy: 429,
  infrastructure: 503,
};

const STATUS_OF_CODE: Partial<Record<ErrorCode, number>> = {
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNKNOWN: 415,
  REQUEST_TIMEOUT: 408,
  KEY_REQUIRED: 401,
  KEY_INVALID: 401,
  INSUFFICIENT_FUNDS: 402,
  UNEXPECTED: 500,
};

/** The HTTP status of an error of the catalogue. */
export function statusOf(code: ErrorCode): number {
  return STATUS_OF_CODE[code] ?? STATUS_OF_KIND[ERROR_CATALOGUE[code].kind];
}

/** Wrong fields of a request, with where and why. */
export class RequestProblem extends AppError {
  readonly errors: readonly FieldProblem[];

  constructor(errors: readonly FieldProblem[]) {
    super('REQUEST_INVALID', errors.map(({ field, message }) => `${field}: ${message}`).join('; '));
    this.errors = errors;
  }
}

/** The world cannot take more now; `retryAfterS` goes into the header Retry-After. */
export class BusyProblem extends AppError {
  readonly retryAfterS: number;

  constructor(code: 'OVERLOADED' | 'TOO_MANY_REQUESTS', message: string, retryAfterS: number) {
    super(code, message);
    this.retryAfterS = Math.max(1, Math.ceil(retryAfterS));
  }
}

/**
 * The problem that an error is. What is not of the catalogue, and what the world did to us, says nothing of how we are
 * made: its message goes to the log alone.
 */
export function problemOf(error: unknown, requestId?: string): Problem {
  const known = error instanceof AppError ? error : new AppError('UNEXPECTED', 'Something went wrong on our side.');
  const status = statusOf(known.code);
  const isOurs = status >= 500;
  return {
    type: `urn:tollkeeper:error:${known.code}`,
    title: titleOf(known.code),
    status,
    detail:
      isOurs && known.code !== 'UNEXPECTED' ? 'The service cannot do this now.' : cleanText(redact(known.message)),
    code: known.code,
    fix: isOurs ? 'Send it again in a moment; the same Idempotency-Key makes that safe.' : known.fix,
    ...(requestId === undefined ? {} : { requestId }),
    ...(known instanceof RequestProblem ? { errors: known.errors } : {}),
  };
}

/** Answers a request with a problem. */
export function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error, reply.request.id);
  if (error instanceof BusyProblem) void reply.header('retry-after', String(error.retryAfterS));
  else if (problem.status === 503) void reply.header('retry-after', '5');
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="tollkeeper"');
  return reply.code(problem.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** `WALLET_NOT_FOUND` → `Wallet not found`. */
function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
