/** Carries job data as text where a queue's own JSON type cannot hold it. */
const AS_TEXT = 'tollkeeper:json';

// PostgreSQL's jsonb refuses the NUL character and halves of surrogate pairs, which JSON itself allows.
const REFUSED_BY_JSONB = /\\u0000|\\ud[89a-f]/i;

/**
 * Job data in a form every queue can store: as it is, or as one text when it holds characters that jsonb refuses.
 * Otherwise one hostile string would keep the events beside it out of the queue.
 */
export function storableJobData(data: unknown): unknown {
  const text = JSON.stringify(data);
  return text !== undefined && REFUSED_BY_JSONB.test(text) ? { [AS_TEXT]: text } : data;
}

/** Job data as it was before it was stored. */
export function originalJobData(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || !(AS_TEXT in data)) return data;
  const text = data[AS_TEXT];
  if (typeof text !== 'string') return data;
  try {
    return JSON.parse(text);
  } catch {
    // Not ours: the router refuses it with its content.
    return data;
  }
}
