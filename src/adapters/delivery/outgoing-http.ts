import { lookup as resolveName } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Sent } from '../../pipeline/delivery/delivery-port.ts';

const TIMEOUT_MS = 10_000;
/** Public by its number, and yet inside: where Azure's machines reach their host. */
const INSIDE = new Set(['168.63.129.16']);

export interface OutgoingRequest {
  readonly url: URL;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Lets addresses of private networks and plain HTTP through. */
  readonly allowPrivate: boolean;
}

class RefusedAddress extends Error {}

/**
 * Posts to an address somebody has configured. Nothing of private networks, this machine or a cloud's metadata is reached,
 * whatever a name resolves to: the address that is checked is the one that is connected to. Redirects are not followed.
 */
export function post({ url, body, headers, allowPrivate }: OutgoingRequest): Promise<Sent> {
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) {
    return Promise.resolve({ is: 'never', because: 'the address is not https' });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!allowPrivate && ipaddr.isValid(host) && !isPublic(host)) {
    return Promise.resolve({ is: 'never', because: `${host} is an address of a private network` });
  }
  return new Promise((resolve) => {
    const end = (sent: Sent) => {
      clearTimeout(timer);
      resolve(sent);
    };
    const bytes = Buffer.from(body, 'utf8');
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(
      url,
      {
        method: 'POST',
        headers: { 'user-agent': 'Tollkeeper', 'content-length': String(bytes.length), ...headers },
        lookup: allowPrivate ? resolveName : publicLookup,
        // A connection kept for another name would skip the check.
        agent: false,
      },
      (response) => {
        // Only the status counts. What a receiver says may repeat the address, which is a secret for some.
        end(judge(response.statusCode ?? 0, response.headers['retry-after']));
        request.destroy();
      },
    );
    // From the first byte to the last: a receiver that drips would otherwise hold us for ever.
    const timer = setTimeout(() => {
      end({ is: 'later', because: `no answer within ${TIMEOUT_MS / 1_000} seconds`, retryAfterMs: null, isAway: true });
      request.destroy();
    }, TIMEOUT_MS);
    request.on('error', (error) => {
      if (error instanceof RefusedAddress) end({ is: 'never', because: error.message });
      else end({ is: 'later', because: error.message, retryAfterMs: null, isAway: true });
    });
    request.end(bytes);
  });
}

/** 2xx is done; 410 asks for nothing more; other 4xx may be mended over there, so they are tried again. */
function judge(status: number, retryAfter: string | undefined): Sent {
  if (status >= 200 && status < 300) return { is: 'delivered' };
  const because = `answered ${status}`;
  if (status === 410) return { is: 'never', because };
  const isRedirect = status >= 300 && status < 400;
  return {
    is: 'later',
    because: isRedirect ? `${because}; redirects are not followed` : because,
    retryAfterMs: asked(retryAfter),
    isAway: status === 429 || status >= 500,
  };
}

function asked(header: string | undefined): number | null {
  if (header === undefined) return null;
  const seconds = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** Resolves a name and refuses it when any of its addresses is not a public one. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolveName(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, '', 0);
      return;
    }
    const wrong = addresses.find(({ address }) => !isPublic(address));
    if (wrong !== undefined || addresses.length === 0) {
      callback(
        new RefusedAddress(`${hostname} is at ${wrong?.address ?? 'no address'}, which is not a public address`),
        '',
        0,
      );
      return;
    }
    if (options.all === true) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
  });
};

/** Whether an address is one of the public internet: not private, loopback, link-local, reserved or wrapped IPv4. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast' || INSIDE.has(parsed.toString())) return false;
  // Carrier-grade NAT has a range of its own in the library; 6to4, Teredo and NAT64 wrap addresses of IPv4.
  return !(
    parsed instanceof ipaddr.IPv6 &&
    ['64:ff9b::', '2002::', '2001::'].some((net, at) => parsed.match(ipaddr.IPv6.parse(net), [96, 16, 32][at] ?? 0))
  );
}
