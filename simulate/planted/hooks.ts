import { fileURLToPath } from 'node:url';
import type { Mistake } from './mistakes.ts';

// Loader hooks of a process that plays one mistake: the module it is in is loaded with it, all others as they are.
let mistake: Mistake | undefined;

/** Called once by `register`, in the thread of the hooks. */
export function initialize(data: Mistake): void {
  mistake = data;
}

interface Loaded {
  readonly format: string;
  readonly source?: string | ArrayBuffer | Uint8Array;
}

/** `Error` when the text of the mistake is not in its module exactly once: the code has moved on, and so must the list. */
export async function load<C>(
  url: string,
  context: C,
  next: (url: string, context: C) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await next(url, context);
  if (mistake === undefined || !url.startsWith('file:')) return loaded;
  const path = fileURLToPath(url);
  if (!path.endsWith(`/dist/${mistake.module}.js`)) return loaded;
  const text = Buffer.from(loaded.source as Uint8Array).toString('utf8');
  const parts = text.split(mistake.text);
  if (parts.length !== 2) {
    throw new Error(`${mistake.module} has ${parts.length - 1} times, not once: ${mistake.text}`);
  }
  return { ...loaded, source: parts.join(mistake.mistaken) };
}
