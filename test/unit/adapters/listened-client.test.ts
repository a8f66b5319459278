import { expect, test } from 'vitest';
import { ListenedClient } from '../../../src/adapters/queue/listened-client.ts';

test.each([
  ['all listeners', (client: ListenedClient) => client.removeAllListeners()],
  ['its error listeners', (client: ListenedClient) => client.removeAllListeners('error')],
])('an error after BullMQ took %s off does not end the process', (_what, take) => {
  const client = new ListenedClient();
  take(client);
  expect(() => client.emit('error', new Error('terminating connection due to administrator command'))).not.toThrow();
  expect(client.listenerCount('error')).toBe(1);
});
