import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { verdictSchema } from '../../domain/review/verdict.ts';
import type { ModelAnswer, ReviewModel } from '../../pipeline/review/review-store.ts';
import type { Secret } from '../../secret.ts';

const RETRIES = 2;

// The SDK types what OpenAI sends; another server, or a proxy in front of one, may send anything.
const completionSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        finish_reason: z.string().nullish(),
        message: z.looseObject({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
});
const count = z.int().min(0).max(1_000_000_000);
const usageSchema = z.looseObject({
  usage: z.looseObject({
    prompt_tokens: count,
    completion_tokens: count,
    prompt_tokens_details: z.looseObject({ cached_tokens: count.nullish() }).nullish(),
  }),
});

/** A model behind OpenAI's chat completions, which other servers speak too. */
export function createReviewModel(options: {
  readonly apiKey: Secret | undefined;
  readonly baseUrl: string | undefined;
}): ReviewModel {
  const client = new OpenAI({
    // Servers on one's own machine want none; the SDK insists on some text.
    apiKey: options.apiKey?.reveal() ?? 'none',
    baseURL: options.baseUrl ?? 'https://api.openai.com/v1',
    organization: null,
    project: null,
    maxRetries: RETRIES,
    logLevel: 'off',
  });
  const format = zodResponseFormat(verdictSchema, 'verdict');
  return {
    async ask({ model, system, user, timeoutMs, outputTokensMax }) {
      // The SDK's own limit ends with the headers of one attempt; this one ends everything, retries and body included.
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        const completion: unknown = await client.chat.completions.create(
          {
            model,
            messages: [
              { role: 'system', content: system },
              { role: 'user', content: user },
            ],
            response_format: format,
            max_completion_tokens: outputTokensMax,
            store: false,
          },
          { timeout: timeoutMs, signal },
        );
        return answerOf(completion);
      } catch (error) {
        return { status: 'failed', cause: signal.aborted ? 'timeout' : causeOf(error), usage: null };
      }
    },
  };
}

function answerOf(completion: unknown): ModelAnswer {
  const usage = usageOf(completion);
  const failed = (cause: Extract<ModelAnswer, { status: 'failed' }>['cause']): ModelAnswer => ({
    status: 'failed',
    cause,
    usage,
  });
  if (typeof completion === 'string') return failed('not_json');
  const read = completionSchema.safeParse(completion);
  const choice = read.data?.choices[0];
  if (choice === undefined) return failed('wrong_shape');
  const { finish_reason: reason, message } = choice;
  if (typeof message.refusal === 'string' && message.refusal !== '') return failed('refusal');
  if (reason === 'length') return failed('truncated');
  if (reason === 'content_filter') return failed('filtered');
  if (typeof message.content !== 'string') return failed('wrong_shape');
  try {
    return { status: 'answered', value: JSON.parse(message.content), usage };
  } catch {
    return failed('not_json');
  }
}

function usageOf(completion: unknown) {
  const { data } = usageSchema.safeParse(completion);
  if (data === undefined) return null;
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens, prompt_tokens_details: details } = data.usage;
  return { inputTokens, outputTokens, cachedTokens: details?.cached_tokens ?? 0 };
}

function causeOf(error: unknown): Extract<ModelAnswer, { status: 'failed' }>['cause'] {
  if (error instanceof OpenAI.APIConnectionTimeoutError || error instanceof OpenAI.APIUserAbortError) return 'timeout';
  if (error instanceof OpenAI.APIConnectionError) return 'unreachable';
  if (error instanceof OpenAI.APIError) return 'refused_by_server';
  return error instanceof SyntaxError ? 'not_json' : 'unreachable';
}
