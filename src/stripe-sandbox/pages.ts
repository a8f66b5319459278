import type { Control } from './control.ts';
import type { ExtraPages } from './http/server.ts';

/** What the sandbox serves besides Stripe's API. */
export function sandboxPages(_control: Control): ExtraPages {
  return async () => undefined;
}
