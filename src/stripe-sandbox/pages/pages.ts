import type { Control } from '../control.ts';
import { CONTROL_ACTIONS } from '../control-api.ts';
import type { Answer } from '../http/api.ts';
import { decodeForm, type ParamValue } from '../http/form.ts';
import { Params } from '../http/params.ts';
import type { ExtraPages, PageRequest } from '../http/server.ts';
import { invalidRequest, StripeFault } from '../stripe-fault.ts';
import { checkoutPage } from './checkout-page.ts';
import { dashboardPage } from './dashboard-page.ts';
import { html, page, redirect } from './html.ts';

/** What the sandbox serves besides Stripe's API: pages for people, and controls for what happens outside the API. */
export function sandboxPages(control: Control): ExtraPages {
  return async (request) => {
    const { method, path } = request;
    const file = reportFile(control, method, path);
    if (file !== undefined || path.startsWith('/v1/') || path.startsWith('/v2/')) return file;
    try {
      refuseOthers(request);
      return await answer(control, request);
    } catch (error) {
      if (!(error instanceof StripeFault)) throw error;
      return json(error.status, error.body());
    }
  };
}

async function answer(control: Control, request: PageRequest): Promise<Answer> {
  const { method, path, body } = request;
  control.tick();
  const session = /^\/pay\/(cs_\w+)$/.exec(path)?.[1];
  if (session !== undefined && (method === 'GET' || method === 'POST')) {
    return checkoutPage(control, method, session, body);
  }
  if (path === '/' && method === 'GET') return dashboardPage(control);
  if (path === '/favicon.ico') return { status: 204, body: '', headers: {} };
  if (/^\/portal\/bps_\w+$/.test(path) && method === 'GET') {
    return page(
      'Cards',
      html`<main class="card"><h1>Your cards</h1><p>At Stripe you would change your card here.</p></main>`,
    );
  }
  const name = /^\/_sandbox\/(\w+)$/.exec(path)?.[1] ?? '';
  const action = Object.hasOwn(CONTROL_ACTIONS, name) ? CONTROL_ACTIONS[name] : undefined;
  if (action === undefined || method !== 'POST') {
    const message = `There is no ${method} ${path} here. Controls: POST /_sandbox/ and one of ${Object.keys(CONTROL_ACTIONS).join(', ')}.`;
    throw new StripeFault(404, 'invalid_request_error', message);
  }
  const result = await action(control, new Params(valuesOf(request)));
  // A button of the page goes back to it; a program reads the result.
  return request.accept.includes('text/html') ? redirect('/') : json(200, result);
}

/** Pages of other sites may not press our buttons, by their address or by a name of theirs that leads here. */
function refuseOthers({ host, origin, sentFrom, method }: PageRequest): void {
  const isOurs = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(host);
  const isForeign = method !== 'GET' && sentFrom !== undefined && sentFrom !== origin;
  if (isOurs && !isForeign) return;
  throw new StripeFault(403, 'invalid_request_error', 'Only pages of the sandbox itself may do this.');
}

function valuesOf({ contentType, body }: PageRequest): Readonly<Record<string, ParamValue>> {
  if (!contentType.startsWith('application/json')) return decodeForm(body);
  try {
    const parsed: unknown = JSON.parse(body === '' ? '{}' : body);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return Object.fromEntries(Object.entries(parsed));
    }
  } catch {
    // Falls through to the same answer as JSON that is no object.
  }
  throw invalidRequest('The body is not a JSON object.');
}

/** The file of a report; Stripe serves files from a host of their own. */
function reportFile({ world }: Control, method: string, path: string): Answer | undefined {
  const id = /^\/v1\/files\/(file_\w+)\/contents$/.exec(path)?.[1];
  const text = id === undefined || method !== 'GET' ? undefined : world.files.get(id);
  return text === undefined ? undefined : { status: 200, body: text, headers: { 'content-type': 'text/csv' } };
}

function json(status: number, body: object): Answer {
  return { status, body: `${JSON.stringify(body, undefined, 2)}\n`, headers: { 'content-type': 'application/json' } };
}
