import { type Finding, fail, ok, warn } from './finding.ts';

/** What Redis says of itself. `null`: it does not tell (managed services hide their settings). */
export interface RedisHealth {
  readonly version: string | null;
  readonly maxmemoryPolicy: string | null;
  readonly appendonly: string | null;
  readonly appendfsync: string | null;
}

/** Oldest Redis that BullMQ supports with everything we use. */
const VERSION_MIN = [6, 2] as const;

/** Whether this Redis may hold jobs that must not be lost. */
export function judgeRedis(health: RedisHealth): readonly Finding[] {
  return [judgeVersion(health), judgePolicy(health), judgePersistence(health)];
}

function judgeVersion({ version }: RedisHealth): Finding {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  const message = `Redis ${version ?? 'of unknown version'}`;
  const isOld = major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1]);
  return isOld ? fail('redis', message, `Use Redis ${VERSION_MIN.join('.')} or later.`) : ok('redis', message);
}

function judgePolicy({ maxmemoryPolicy }: RedisHealth): Finding {
  if (maxmemoryPolicy === 'noeviction') return ok('redis', 'maxmemory-policy noeviction');
  if (maxmemoryPolicy === null) {
    return warn('redis', 'maxmemory-policy cannot be read', 'Make sure that it is noeviction: any other loses jobs.');
  }
  const fix = 'Set maxmemory-policy noeviction: when memory runs out, Redis would throw jobs away.';
  return fail('redis', `maxmemory-policy ${maxmemoryPolicy}`, fix);
}

function judgePersistence({ appendonly, appendfsync }: RedisHealth): Finding {
  if (appendonly === 'yes') return ok('redis', `appendonly yes, appendfsync ${appendfsync ?? '?'}`);
  const fix = 'Set appendonly yes (and appendfsync always for no loss at all): a restart would lose accepted jobs.';
  return warn('redis', appendonly === null ? 'appendonly cannot be read' : `appendonly ${appendonly}`, fix);
}
