import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { shorten } from '../../domain/events/parse-event.ts';
import { AppError, type ErrorCode } from '../../errors.ts';
import { RequestProblem } from './problem.ts';

const KNOWN: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', 'The body is larger than this route takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['MEDIA_TYPE_UNKNOWN', 'This route does not take a body of this type.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['BODY_NOT_JSON', 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['REQUEST_INVALID', 'The body is not as long as Content-Length says.'],
  FST_ERR_BAD_URL: ['ROUTE_NOT_FOUND', 'The path cannot be decoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['REQUEST_INVALID', 'A part of the path is too long.'],
  FST_ERR_NOT_FOUND: ['ROUTE_NOT_FOUND', 'There is nothing at this path.'],
};

/** Faults shown of one request: a hostile body may have thousands. */
const ERRORS_MAX = 20;

/** What a request did wrong, in our words; undefined when the fault is not the request's. */
export function requestError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = error.validationContext === 'querystring' ? 'query' : (error.validationContext ?? 'body');
    const found = error.validation.slice(0, ERRORS_MAX).map(({ instancePath, message = 'is not valid' }) => ({
      field: shorten(`${where}${instancePath === '/' ? '' : instancePath.replaceAll('/', '.')}`, 120),
      message: shorten(message, 200),
    }));
    return new RequestProblem(found);
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = KNOWN[code];
  if (known !== undefined) return new AppError(known[0], known[1], { cause: error });
  // What serves the page's files refuses a path that leads out of them with an error of its own.
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 403 || status === 404)
    return new AppError('ROUTE_NOT_FOUND', 'There is nothing at this path.', { cause: error });
  return undefined;
}
