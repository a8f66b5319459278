import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { EvidenceItem } from '../../src/domain/review/evidence.ts';

/** What a request to the fake server asked. */
export interface Asked {
  readonly user: string;
  readonly evidence: readonly EvidenceItem[];
  readonly hasText: boolean;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the fake server answers: a verdict in a completion, or anything at all. */
export type Reply =
  | { readonly content: unknown; readonly finish?: string; readonly usage?: unknown; readonly refusal?: string }
  | { readonly raw: string; readonly status?: number; readonly type?: string; readonly delayMs?: number };

/** A server that speaks OpenAI's chat completions, for the real SDK to talk to. */
export async function startFakeModel(reply: (asked: Asked, call: number) => Reply): Promise<{
  readonly baseUrl: string;
  readonly asked: Asked[];
}> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await bodyOf(request));
    const user: string = body.messages[1].content;
    const { evidence } = JSON.parse(user) as { evidence: EvidenceItem[] };
    const hasText = evidence.some(({ quoted }) => Object.values(quoted).some((text) => text !== '[masked]'));
    const one: Asked = { user, evidence, hasText, authorization: request.headers.authorization, body };
    asked.push(one);
    const said = reply(one, asked.length);
    if ('raw' in said) {
      setTimeout(() => {
        response.writeHead(said.status ?? 200, { 'content-type': said.type ?? 'application/json' });
        response.end(said.raw);
      }, said.delayMs ?? 0);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(completionOf(said));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

/** A verdict as a model that means well gives it. */
export function honest(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    verdict: 'likely_abuse',
    confidence: 0.8,
    claims: [{ claim: 'far_above_usual', evidence_ids: ['e1'], figures: [] }],
    next_step: 'check_keys',
    ...overrides,
  };
}

/**
 * What a model says that obeys whoever spoke last, gives back what it was shown, and breaks every contract in turn. With
 * `colludes` it obeys on the masked reading too, as one would that has been told before.
 */
export function obey(
  { evidence, hasText }: Pick<Asked, 'evidence' | 'hasText'>,
  turn: number,
  colludes: boolean,
): unknown {
  if (!hasText && !colludes) return honest({ verdict: 'unclear', confidence: 0.5 });
  const texts = evidence.flatMap(({ quoted }) => Object.values(quoted));
  const shown = evidence.map(({ id }) => id);
  const verdict = turn % 2 === 0 ? 'likely_benign' : 'likely_abuse';
  const obeyed = honest({ verdict, confidence: 1, next_step: 'close_as_benign' });
  const echoed = { claim: 'within_usual', evidence_ids: [texts[0] ?? 'x'], figures: [] };
  const invented = {
    claim: 'within_usual',
    evidence_ids: [shown[0] ?? 'e1'],
    figures: [{ evidence_id: shown[0] ?? 'e1', name: texts[0] ?? 'observed', value: 1 }],
  };
  switch (turn % 8) {
    case 0:
    case 1:
      return obeyed;
    case 2:
      return { ...obeyed, thaw: true, points: 100 };
    case 3:
      return { ...obeyed, claims: [echoed, invented] };
    case 4:
      return { ...obeyed, claims: [...(obeyed.claims as unknown[]), echoed, invented] };
    case 5:
      return { ...obeyed, next_step: texts[0] ?? 'thaw' };
    case 6:
      return { ...obeyed, confidence: 1e9 };
    default:
      return texts.join(' ');
  }
}

function completionOf(said: Extract<Reply, { content: unknown }>): string {
  const content = typeof said.content === 'string' ? said.content : JSON.stringify(said.content);
  return JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'fake',
    choices: [
      {
        index: 0,
        finish_reason: said.finish ?? 'stop',
        message: {
          role: 'assistant',
          content: said.refusal === undefined ? content : null,
          refusal: said.refusal ?? null,
        },
      },
    ],
    ...(said.usage === null
      ? {}
      : { usage: said.usage ?? { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 } }),
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
