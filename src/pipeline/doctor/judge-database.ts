import { ERROR_CATALOGUE } from '../../errors.ts';
import type { DatabaseHealth } from '../queries/database-health.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Oldest PostgreSQL we test with. */
const MAJOR_MIN = 14;
/** Clocks further apart than this date freezes and late usage wrongly. */
const CLOCK_WARN_MS = 2_000;
const CLOCK_FAIL_MS = 60_000;
const OUTBOX_WARN_MS = 60_000;

/** What a look at the database means; its lanes are judged together with what waits for them. */
export function judgeDatabase(health: DatabaseHealth, nowMs: number): readonly Finding[] {
  return [
    judgeServer(health),
    judgeMigrations(health),
    judgeClock(health.clockMs - nowMs),
    ...(health.migrationsPending.length + health.migrationsNewer.length > 0 ? [] : [judgeOutbox(health, nowMs)]),
  ];
}

function judgeServer({ serverVersion, serverMajor, sizeBytes }: DatabaseHealth): Finding {
  const message = `PostgreSQL ${serverVersion}, ${megabytes(sizeBytes)} in use`;
  if (serverMajor >= MAJOR_MIN) return ok('database', message);
  return fail('database', message, `Use PostgreSQL ${MAJOR_MIN} or later.`);
}

function judgeMigrations({ migrationsPending, migrationsNewer }: DatabaseHealth): Finding {
  if (migrationsNewer.length > 0) {
    const { fix } = ERROR_CATALOGUE.DATABASE_NEWER;
    return fail('database', `migrated by a newer release: ${migrationsNewer.join(', ')}`, fix);
  }
  if (migrationsPending.length === 0) return ok('database', 'every migration is applied');
  return fail('database', `not migrated: ${migrationsPending.join(', ')}`, 'Run `tollkeeper migrate`.');
}

function judgeClock(differenceMs: number): Finding {
  const apart = Math.abs(differenceMs);
  const message = `the clocks differ by ${(apart / 1000).toFixed(1)} s`;
  const fix = 'Synchronise both machines with NTP: freezes and late usage are dated by these clocks.';
  if (apart > CLOCK_FAIL_MS) return fail('database', message, fix);
  return apart > CLOCK_WARN_MS ? warn('database', message, fix) : ok('database', message);
}

function judgeOutbox({ outboxUnsent, outboxOldestMs, quarantineOpen }: DatabaseHealth, nowMs: number): Finding {
  const quarantine = `${quarantineOpen} events in quarantine`;
  const waiting = outboxOldestMs === null ? 0 : nowMs - outboxOldestMs;
  if (waiting <= OUTBOX_WARN_MS) return ok('queues', `${outboxUnsent} messages wait in the outbox, ${quarantine}`);
  const message = `${outboxUnsent} messages wait in the outbox, the oldest for ${Math.round(waiting / 1000)} s; ${quarantine}`;
  return warn('queues', message, 'Run `tollkeeper start`, which delivers them; if it runs, look at its log.');
}

function megabytes(bytes: bigint): string {
  return `${(Number(bytes) / 1_048_576).toFixed(0)} MiB`;
}
