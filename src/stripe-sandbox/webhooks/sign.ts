import { createHmac } from 'node:crypto';

/** The `Stripe-Signature` header of a payload: seconds, and an HMAC over both. */
export function signatureHeader(payload: string, secret: string, atSeconds: number): string {
  const digest = createHmac('sha256', secret).update(`${atSeconds}.${payload}`, 'utf8').digest('hex');
  return `t=${atSeconds},v1=${digest}`;
}
