import { Redis } from 'ioredis';
import { AppError } from '../../errors.ts';
import type { RedisHealth } from '../../pipeline/doctor/judge-redis.ts';

const TIMEOUT_MS = 5_000;

/** Asks a Redis for what decides whether it may hold jobs. */
export async function readRedisHealth(url: string): Promise<RedisHealth> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // The reason comes with the rejected promise; an event without a listener would be printed as well.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return {
      version: /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? null,
      maxmemoryPolicy: await setting(redis, 'maxmemory-policy'),
      appendonly: await setting(redis, 'appendonly'),
      appendfsync: await setting(redis, 'appendfsync'),
    };
  } catch (cause) {
    throw new AppError('QUEUE_UNREACHABLE', 'Redis at REDIS_URL does not answer', { cause });
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
