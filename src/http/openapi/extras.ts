import { z } from 'zod';
import { jobSchema } from '../../domain/events/wire-schema.ts';
import { PROBLEM_TYPE } from '../server/problem.ts';

interface Operation {
  responses?: Record<string, unknown>;
  requestBody?: unknown;
  readonly [field: string]: unknown;
}

interface Document {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { schemas?: Record<string, unknown>; readonly [part: string]: unknown };
  readonly [part: string]: unknown;
}

const PROBLEM = {
  type: 'object',
  description: 'An error (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'code', 'fix'],
  properties: {
    type: { type: 'string', description: '`urn:tollkeeper:error:` and the code.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Stable: write handlers for it.' },
    fix: { type: 'string', description: 'What would help.' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: { field: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

const CLOUD_EVENT = {
  type: 'object',
  required: ['specversion', 'id', 'source', 'type', 'time', 'data'],
  properties: {
    specversion: { const: '1.0' },
    id: { type: 'string' },
    source: { type: 'string' },
    type: { type: 'string', description: 'The meter, unless data names one.' },
    subject: { type: 'string', description: 'The account, unless data names one.' },
    time: { type: 'string', format: 'date-time', description: 'When it happened: the same on every retry.' },
    data: {
      type: 'object',
      required: ['quantity'],
      additionalProperties: false,
      properties: {
        quantity: { type: ['string', 'number'] },
        meter: { type: 'string' },
        account: { type: 'string' },
        sequence: { type: 'integer', minimum: 0 },
        properties: { type: 'object' },
      },
    },
  },
};

/** What schemas of routes cannot say: the problem that every route may answer with, and the forms that usage comes in. */
export function withExtras(document: Document): Document {
  const { $defs } = z.toJSONSchema(jobSchema, { target: 'draft-2020-12', io: 'input' });
  const event = $defs?.event ?? {};
  const schemas = {
    ...document.components?.schemas,
    Problem: PROBLEM,
    CloudEvent: CLOUD_EVENT,
    UsageEvent: event,
  };
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) {
      operation.responses = {
        ...operation.responses,
        default: {
          description: 'A problem',
          content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      };
      if (path === '/v1/events' && method === 'post') operation.requestBody = usageBody();
    }
  }
  return { ...document, components: { ...document.components, schemas } };
}

function usageBody() {
  const one = { $ref: '#/components/schemas/UsageEvent' };
  const cloudEvent = { $ref: '#/components/schemas/CloudEvent' };
  const many = {
    type: 'object',
    required: ['events'],
    properties: { v: { const: 1 }, events: { type: 'array', items: one } },
  };
  return {
    required: true,
    description: 'Up to 10,000 events and 8,388,608 bytes.',
    content: {
      'application/json': { schema: { oneOf: [one, { type: 'array', items: one }, many] } },
      'application/cloudevents+json': { schema: cloudEvent },
      'application/cloudevents-batch+json': { schema: { type: 'array', items: cloudEvent } },
      'application/x-ndjson': { schema: { type: 'string', description: 'One usage event a line.' } },
    },
  };
}
