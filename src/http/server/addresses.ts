import { isIPv4 } from 'node:net';

/** Whether only this machine reaches an address that somebody listens on. Names other than `localhost` may mean anything. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}
