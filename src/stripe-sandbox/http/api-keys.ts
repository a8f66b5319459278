import { StripeFault } from '../stripe-fault.ts';

/** The key of a request: any test key will do, a live one is refused lest somebody believes it does something. */
export function checkKey(authorization: string | undefined, takes: 'key' | 'session'): string {
  const token = tokenOf(authorization);
  if (token === undefined || token === '') {
    throw new StripeFault(
      401,
      'invalid_request_error',
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    );
  }
  if (/^(?:sk|rk)_live_/.test(token)) {
    throw new StripeFault(
      401,
      'invalid_request_error',
      'This is a sandbox: it refuses live keys. Use one that begins with sk_test_.',
      { code: 'api_key_invalid' },
    );
  }
  const isRight = takes === 'session' ? token.startsWith('mes_') : /^(?:sk|rk)_test_\w+$/.test(token);
  if (isRight) return token;
  throw new StripeFault(401, 'invalid_request_error', `Invalid API Key provided: ${token.slice(0, 7)}****`);
}

function tokenOf(authorization: string | undefined): string | undefined {
  const [scheme = '', value] = (authorization ?? '').split(' ');
  if (/^bearer$/i.test(scheme)) return value;
  // curl -u sk_test_…:
  if (/^basic$/i.test(scheme))
    return Buffer.from(value ?? '', 'base64')
      .toString()
      .split(':')[0];
  return undefined;
}
