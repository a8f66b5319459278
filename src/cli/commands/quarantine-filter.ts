import { type Command, InvalidArgumentError, Option } from 'commander';
import { QUARANTINE_REASONS } from '../../domain/events/status-words.ts';
import type { QuarantineReason } from '../../domain/events/usage-event.ts';
import { parseRfc3339 } from '../../domain/time.ts';
import type { UsageFilter } from '../../pipeline/admin/quarantine-store.ts';

/** What quarantined usage can be narrowed by, beside the account. */
export interface FilterOptions {
  readonly tenant: string;
  readonly account?: string;
  readonly for?: QuarantineReason;
  readonly meter?: string;
  readonly source?: string;
  readonly from?: number;
  readonly to?: number;
}

/** Adds the filters; `--reason` is the audit log's, so the reason of quarantine is `--for`. */
export function withFilter(command: Command): Command {
  const why = new Option('--for <why>', 'only usage quarantined for this').choices(Object.keys(QUARANTINE_REASONS));
  return withUsageFilter(command.addOption(why));
}

/** Adds the filters that are about the usage itself, whatever it waits for. */
export function withUsageFilter(command: Command): Command {
  return command
    .option('--meter <name>', 'only this meter')
    .option('--source <name>', 'only from this source')
    .option('--from <time>', 'only events that happened then or later (RFC 3339, or a date)', time)
    .option('--to <time>', 'only events that happened before then', time);
}

/** The filter that the options make. */
export function filterOf({ tenant, account, for: reason, meter, source, from, to }: FilterOptions): UsageFilter {
  return {
    tenant,
    ...(account === undefined ? {} : { account }),
    ...(reason === undefined ? {} : { reason }),
    ...(meter === undefined ? {} : { meter }),
    ...(source === undefined ? {} : { source }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
  };
}

function time(text: string): number {
  const ms = parseRfc3339(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (ms !== undefined && ms >= 0) return ms;
  throw new InvalidArgumentError('Give a time such as 2026-03-01T12:00:00Z, or a date.');
}
