import { z } from 'zod';

const positive = z.number().positive();
const quantiles = z.strictObject({
  requests: z.int().positive(),
  /** Tokens at the quantiles 0 %, 1 % … 100 %. */
  context: z.array(z.number().nonnegative()).length(101),
  generated: z.array(z.number().nonnegative()).length(101),
});

const client = z.strictObject({
  client: z.string(),
  model: z.string(),
  requestsPerHour: positive,
  /** Requests per hour in thousandths of the client's own mean hour. */
  hourlyMille: z.array(z.number().nonnegative()),
  /** Coefficient of variation of the times between requests, per quarter of the day. */
  cv: z.array(positive).length(4),
  /** Mean tokens per request in each token window. */
  inputTokens: z.array(positive),
  outputTokens: z.array(positive),
  outputP95ToMean: positive,
  /** False when the source had no token figures and the median client of the model stands in. */
  tokensMeasured: z.boolean(),
});

const profile = z.strictObject({
  header: z.looseObject({ about: z.string() }),
  hours: z.int().positive(),
  tokenWindowHours: z.int().positive(),
  requestTokens: z.strictObject({ conversation: quantiles, code: quantiles }),
  clients: z.array(client).min(1),
});

/** What real clients of an LLM API do over two weeks: `fixtures/usage-profile.json`, explained beside it. */
export type UsageProfile = z.infer<typeof profile>;

/** One real client: how much, when, how bursty and how large its requests are. */
export type ClientProfile = UsageProfile['clients'][number];

/** Reads the profile's JSON; throws zod's error when the file is not one. */
export function parseUsageProfile(json: unknown): UsageProfile {
  return profile.parse(json);
}
