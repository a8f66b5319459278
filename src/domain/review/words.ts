import type { ReviewCause } from './settle.ts';
import type { Claim, ModelVerdict } from './verdict.ts';

/** Why a decision stands as the rules made it, for people. */
export const CAUSE_WORDS: Readonly<Record<ReviewCause, string>> = {
  no_model: 'no model is configured: set OPENAI_API_KEY or OPENAI_BASE_URL',
  switched_off: 'the ruleset in force has no review',
  already_closed: 'somebody had closed the alert before',
  not_in_band: 'its points lie outside the band that is reviewed',
  budget_spent: "the rest of the day's budget was too small",
  circuit_open: 'the model server had failed five times in a row',
  injected_text: 'text in the alert gives orders to a reader, so no model was shown it',
  unreachable: 'the model server could not be reached',
  timeout: 'the model server did not answer in time',
  refused_by_server: 'the model server refused the request',
  refusal: 'the model refused to judge',
  truncated: 'the answer was cut off',
  filtered: "the server's filter held the answer back",
  not_json: 'the answer was not JSON',
  wrong_shape: 'the answer had another shape than asked for',
  text_sensitive: "the verdict changed when the customer's text was masked, so it was discarded",
  unsupported: 'no claim was borne out by the evidence',
};

export const VERDICT_WORDS: Readonly<Record<ModelVerdict['verdict'], string>> = {
  likely_abuse: 'likely abuse',
  likely_benign: 'likely honest use',
  unclear: 'unclear',
};

export const CLAIM_WORDS: Readonly<Record<Claim['claim'], string>> = {
  far_above_usual: 'far above the usual',
  within_usual: 'within the usual',
  sudden_start: 'a sudden start',
  steady_growth: 'steady growth',
  new_kind_of_use: 'a new kind of use',
  money_exposed: 'money is exposed',
  little_money_exposed: 'little money is exposed',
  similar_cases_were_fraud: 'similar cases were fraud',
  similar_cases_were_benign: 'similar cases were benign',
  several_rules_agree: 'several rules agree',
  too_little_history: 'too little history',
};

export const STEP_WORDS: Readonly<Record<ModelVerdict['next_step'], string>> = {
  ask_customer: 'ask the customer',
  check_keys: 'check the keys',
  keep_watching: 'keep watching',
  close_as_benign: 'close as benign',
  escalate: 'hand it on',
};

/** The words for a stored cause; one of another version stands for itself. */
export function causeWords(cause: string): string {
  return Object.entries(CAUSE_WORDS).find(([known]) => known === cause)?.[1] ?? cause;
}
