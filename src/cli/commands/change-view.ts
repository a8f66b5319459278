import { type Command, InvalidArgumentError, Option } from 'commander';
import type { UsageTotal } from '../../pipeline/admin/admin-store.ts';
import type { FreezeOutcome } from '../../pipeline/admin/results.ts';
import { moneyFields, timeField } from '../output/json.ts';

/** Options of every command that changes a wallet. */
export interface ChangeOptions {
  readonly key?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

/** How a change went, beside what it did. */
export interface ChangeState {
  readonly key: string;
  readonly dryRun: boolean;
  readonly isRepeated: boolean;
}

const KEY_CHARACTERS_MAX = 200;

/** Adds `--reason`, `--key` and `--dry-run`. */
export function withChange(command: Command, reason: 'required' | 'optional' = 'optional'): Command {
  return command
    .addOption(new Option('--reason <text>', 'kept in the audit log').makeOptionMandatory(reason === 'required'))
    .option('--key <key>', 'idempotency key: the same request sent again with it changes nothing', key)
    .option('--dry-run', 'do everything, then roll it back');
}

function key(text: string): string {
  if (text !== '' && text.length <= KEY_CHARACTERS_MAX) return text;
  throw new InvalidArgumentError(`Give 1 to ${KEY_CHARACTERS_MAX} characters.`);
}

/** The part of the JSON that every change has. */
export function changeJson(
  result: Omit<FreezeOutcome, 'untilMs' | 'before' | 'isChanged'>,
  { key: usedKey, dryRun, isRepeated }: ChangeState,
) {
  return {
    wallet: result.wallet,
    tenant: result.tenant,
    account: result.account,
    currency: result.currency,
    status: result.status,
    ...moneyFields('balance', result.balance),
    sequence: result.sequence.toString(),
    at: timeField(result.atMs),
    key: usedKey,
    dryRun,
    repeated: isRepeated,
  };
}

/** A number of events and what they cost. */
export function totalJson({ events, amount }: UsageTotal) {
  return { events, ...moneyFields('amount', amount) };
}

/** The last line of a change: whether it counts, and how to send it again safely. */
export function closing({ key: usedKey, dryRun, isRepeated }: ChangeState): string {
  if (isRepeated) return `This request had been carried out before; nothing was changed now. (key ${usedKey})`;
  return dryRun ? 'Dry run: nothing was changed.' : `Key ${usedKey}: sending it again with --key changes nothing.`;
}
