import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Access, Principal } from './principal.ts';

/** The server as routes see it: schemas are zod's, and handlers get what they say. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request needs to get here. A route that says nothing lets nobody in. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; undefined on open routes alone. */
    principal: Principal | undefined;
  }
}

/**
 * Adds routes of its own in a scope of its own: parsers, hooks and error handlers added there count there alone. Each route
 * says in `config.access` who may use it; `open` means that the route itself finds out who is asking.
 */
export type HttpRoutes = (app: HttpApp) => void | Promise<void>;

/** Bodies of this scope arrive as the bytes that were sent (`request.body` is a Buffer), whatever their type: signatures need them. */
export function takeRawBodies(app: HttpApp, bytesMax: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bytesMax }, (_request, body, done) => done(null, body));
}
