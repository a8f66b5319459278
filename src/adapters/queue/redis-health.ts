import { Redis } from 'ioredis';
import { AppError } from '../../errors.ts';
import type { RedisHealth } from '../../pipeline/doctor/judge-redis.ts';

const TIMEOUT_MS = 5_000;

/** Asks a Redis for what decides whether it may hold jobs. */
export function readRedisHealth(url: string): Promise<RedisHealth> {
  return askRedis(url, async (redis) => ({
    version: /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? null,
    maxmemoryPolicy: await setting(redis, 'maxmemory-policy'),
    appendonly: await setting(redis, 'appendonly'),
    appendfsync: await setting(redis, 'appendfsync'),
  }));
}

/** Throws `QUEUE_UNREACHABLE` when Redis does not answer now. BullMQ itself would wait for it without a word. */
export async function requireRedis(url: string): Promise<void> {
  await askRedis(url, (redis) => redis.ping());
}

async function askRedis<T>(url: string, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // The promise only says that the connection is closed; why it is comes as an event.
  let reason: unknown;
  redis.on('error', (error) => {
    reason ??= error;
  });
  try {
    await redis.connect();
    return await ask(redis);
  } catch (cause) {
    throw new AppError('QUEUE_UNREACHABLE', 'Redis at REDIS_URL does not answer', { cause: reason ?? cause });
  } finally {
    redis.disconnect();
  }
}

/** Managed services forbid CONFIG: that is no reason to call them unreachable. */
async function setting(redis: Redis, name: string): Promise<string | null> {
  const answer: unknown = await redis.config('GET', name).catch(() => null);
  const value: unknown = Array.isArray(answer) ? answer[1] : null;
  return typeof value === 'string' ? value : null;
}
