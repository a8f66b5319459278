import type { Control } from './control.ts';
import type { Answer } from './http/api.ts';
import type { ExtraPages } from './http/server.ts';

/** What the sandbox serves besides Stripe's API. */
export function sandboxPages(control: Control): ExtraPages {
  return async ({ method, path }) => reportFile(control, method, path);
}

/** The file of a report; Stripe serves files from a host of their own. */
function reportFile({ world }: Control, method: string, path: string): Answer | undefined {
  const id = /^\/v1\/files\/(file_\w+)\/contents$/.exec(path)?.[1];
  const text = id === undefined || method !== 'GET' ? undefined : world.files.get(id);
  return text === undefined ? undefined : { status: 200, body: text, headers: { 'content-type': 'text/csv' } };
}
