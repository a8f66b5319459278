import Stripe from 'stripe';
import { AppError } from '../../errors.ts';
import type { Secret } from '../../secret.ts';
import { type BackOff, retryingHttpClient } from './retrying-http-client.ts';

/** The version of Stripe's API that the types of the installed SDK describe. */
export const STRIPE_API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;

const NETWORK_RETRIES = 2;
const TIMEOUT_MS = 10_000;
const LIVE_KEY = /^(?:sk|rk)_live_/;
const LOOPBACK = ['127.0.0.1', 'localhost'];

export interface StripeClientOptions {
  readonly secretKey: Secret;
  /** Another server than Stripe's: the sandbox. On this machine only, and with test keys only. */
  readonly apiUrl?: string | undefined;
  /** Whether a key that moves real money may be used; no, unless the one place that runs the service says so. */
  readonly allowLive?: boolean;
  readonly version?: string;
  readonly timeoutMs?: number;
  readonly networkRetries?: number;
  readonly backOff?: BackOff;
}

/** The one place that makes a Stripe client. Throws `STRIPE_LIVE_KEY` for a live key where none is allowed. */
export function createStripeClient(options: StripeClientOptions): Stripe {
  const key = options.secretKey.reveal();
  if (LIVE_KEY.test(key) && (options.allowLive !== true || options.apiUrl !== undefined)) {
    throw new AppError('STRIPE_LIVE_KEY', 'STRIPE_SECRET_KEY is a live key, and this is not the place for one');
  }
  return new Stripe(key, {
    ...serverOf(options.apiUrl),
    apiVersion: STRIPE_API_VERSION,
    httpClient: retryingHttpClient(options.backOff),
    maxNetworkRetries: options.networkRetries ?? NETWORK_RETRIES,
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    telemetry: false,
    appInfo: { name: 'Tollkeeper', ...(options.version === undefined ? {} : { version: options.version }) },
  });
}

function serverOf(apiUrl: string | undefined): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  if (apiUrl === undefined) return {};
  const { hostname, port, protocol } = new URL(apiUrl);
  if (!LOOPBACK.includes(hostname)) {
    throw new AppError('CONFIG_INVALID', `STRIPE_API_URL names ${hostname}, which is not this machine`);
  }
  const scheme = protocol === 'https:' ? 'https' : 'http';
  return { host: hostname, port: port === '' ? (scheme === 'https' ? 443 : 80) : port, protocol: scheme };
}
