/** What a rule across accounts has found about one account, on its way to the account's lane. */
export interface FleetFinding {
  readonly findingId: bigint;
  readonly walletId: bigint;
  readonly tenant: string;
  readonly account: string;
  readonly ruleId: string;
  /** Raw evidence in decades. */
  readonly raw: number;
  /** When the event that showed it arrived. */
  readonly atMs: number;
}
