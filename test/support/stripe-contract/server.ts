import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ContractChecker } from './checker.ts';

/** One request that went through. */
export interface SeenRequest {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly idempotencyKey: string | undefined;
  status: number | undefined;
}

export interface ContractServer {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Answers of the sandbox that are not as Stripe's types say. */
  readonly violations: readonly string[];
  /** Requests that Stripe would have refused for their shape. */
  readonly refusals: readonly string[];
  readonly close: () => Promise<void>;
}

/** Stands between the SDK and the sandbox and holds what passes in both directions against the contract. */
export async function startContractServer(
  checker: ContractChecker,
  target: { readonly host: string; readonly port: number },
): Promise<ContractServer> {
  const requests: SeenRequest[] = [];
  const violations: string[] = [];
  const refusals: string[] = [];
  const server = createServer((request, response) => {
    pass(request, response).catch((error: unknown) => {
      violations.push(`the contract server failed: ${String(error)}`);
      response.destroy();
    });
  });

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const [path = '/', query = ''] = url.split('?', 2);
    const body = await textOf(request);
    // Pages and controls of the sandbox are no part of Stripe's API.
    if (!/^\/v[12]\//.test(path) || path.startsWith('/v1/files/')) {
      forward(request, body, response, () => undefined);
      return;
    }
    const idempotencyKey = textHeader(request, 'idempotency-key');
    const contentType = textHeader(request, 'content-type') ?? '';
    const refusal = checker.refusal({ method, path, query, body, contentType, idempotencyKey });
    const operation = checker.operation(method, path);
    const seen: SeenRequest = {
      operation: operation?.name ?? '',
      method,
      path,
      body,
      idempotencyKey,
      status: undefined,
    };
    requests.push(seen);
    if (refusal !== undefined) {
      const { status, ...details } = refusal;
      refusals.push(`${method} ${path}: ${details.message}`);
      seen.status = status;
      response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_contract' });
      response.end(JSON.stringify({ error: { type: 'invalid_request_error', ...details } }));
      return;
    }
    forward(request, body, response, (status, text, type) => {
      seen.status = status;
      if (operation === undefined || !type.startsWith('application/json')) return;
      const answer: unknown = JSON.parse(text);
      if (status === 200) violations.push(...checker.answerProblems(operation, answer));
      else if (!isError(answer)) violations.push(`${operation.name}: ${status} without an error object`);
    });
  }

  function forward(
    request: IncomingMessage,
    body: string,
    response: ServerResponse,
    look: (status: number, text: string, type: string) => void,
  ): void {
    const { method = 'GET', url = '/' } = request;
    const upstream = httpRequest({ ...target, method, path: url, headers: request.headers, agent: false }, (answer) => {
      const broken = () => response.socket?.destroy();
      textOf(answer).then((text) => {
        if (!answer.complete) {
          broken();
          return;
        }
        const status = answer.statusCode ?? 500;
        look(status, text, String(answer.headers['content-type']));
        response.writeHead(status, answer.headers);
        response.end(text);
      }, broken);
    });
    upstream.on('error', () => response.socket?.resetAndDestroy());
    response.on('close', () => upstream.destroy());
    upstream.end(body);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    violations,
    refusals,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function textOf(stream: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function textHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function isError(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return false;
  const { error } = answer;
  return typeof error === 'object' && error !== null && 'message' in error;
}
