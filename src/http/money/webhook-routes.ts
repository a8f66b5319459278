import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Delivery, WebhookAnswer } from '../../pipeline/stripe/receive-webhook.ts';
import { type HttpApp, takeRawBodies } from '../server/http-app.ts';

/** Far more than any event of Stripe's. */
const BODY_BYTES_MAX = 1024 * 1024;

const answerSchema = z.object({ received: z.boolean(), code: z.string().optional(), message: z.string().optional() });

/** Where Stripe sends events. Open to everybody: the signature says who is asking. */
export function webhookRoutes(app: HttpApp, receive: (delivery: Delivery) => Promise<WebhookAnswer>): void {
  takeRawBodies(app, BODY_BYTES_MAX);
  const paths = { snapshot: '/webhooks/stripe', thin: '/webhooks/stripe/thin' } as const;
  for (const shape of ['snapshot', 'thin'] as const) {
    app.post(
      paths[shape],
      {
        bodyLimit: BODY_BYTES_MAX,
        config: { access: 'open' },
        schema: {
          tags: ['stripe'],
          summary: shape === 'snapshot' ? 'Events of Stripe' : 'Thin events of Stripe',
          description: 'Signed by Stripe. Answered when the event is stored; what it means is worked out afterwards.',
          response: { 200: answerSchema, 400: answerSchema },
        },
      },
      async (request, reply) => {
        const answer = await receive({ shape, body: bytesOf(request), signature: signatureOf(request) });
        void reply.code(answer.status);
        return answer.body;
      },
    );
  }
}

function bytesOf({ body }: FastifyRequest): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array();
}

function signatureOf({ headers }: FastifyRequest): string | undefined {
  const value = headers['stripe-signature'];
  return typeof value === 'string' ? value : undefined;
}
