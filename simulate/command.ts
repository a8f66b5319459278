import type { AdjustmentKind } from '../src/domain/ledger/adjust-wallet.ts';
import type { CreditSource } from '../src/domain/ledger/grant.ts';
import type { CorrectTo } from '../src/pipeline/admin/correct-event.ts';
import type { UsageFilter } from '../src/pipeline/admin/quarantine-store.ts';
import type { HoldAsk } from '../src/pipeline/holds/hold-request.ts';

/** What somebody asks of the direct path: the same words for the code under test and for the model. */
export type Command = {
  readonly account: string;
  /** Sent again with the same key, it must change nothing. */
  readonly key: string;
} & (
  | {
      readonly do: 'topup';
      readonly amount: bigint;
      readonly source: CreditSource;
      readonly priority: number | undefined;
      readonly expiresAtMs: number | undefined;
    }
  | { readonly do: 'freeze'; readonly hours: number }
  | { readonly do: 'thaw'; readonly usage: 'keep' | 'post' | 'void'; readonly onlyExpired: boolean }
  | { readonly do: 'adjust'; readonly kind: AdjustmentKind; readonly amount: bigint }
  | {
      readonly do: 'limits';
      readonly overdraft: bigint | null | undefined;
      readonly throttle: { readonly limit: bigint; readonly periodMs: number } | null | undefined;
    }
  /** What a posted event, named by its key, should have been. */
  | { readonly do: 'amend'; readonly event: string; readonly to: CorrectTo }
  /** Posts or voids quarantined usage of whatever wallets the filter fits, a few rows to a transaction. */
  | { readonly do: 'settle'; readonly what: 'post' | 'void'; readonly filter: UsageFilter }
  | { readonly do: 'expire' }
  | { readonly do: 'release' }
  | { readonly do: 'hold'; readonly holdId: string; readonly ask: HoldAsk }
);

/** The command as text: two with one key and another text are a conflict. `onlyExpired` is not part of what is asked. */
export function commandText(command: Command): string {
  return JSON.stringify(command, (name, value: unknown) =>
    name === 'onlyExpired' ? undefined : typeof value === 'bigint' ? value.toString() : value,
  );
}
