import type { BriefLink } from './brief.ts';
import type { Reader } from './locale.ts';
import { wordsOf } from './words.ts';

/** Where a message leads; nothing without a base address. Ids are ours and need no more than escaping. */
export function linksFor(
  { alert }: { readonly alert: string },
  { baseUrl, reader }: { readonly baseUrl: string | null; readonly reader: Reader },
): readonly BriefLink[] {
  if (baseUrl === null) return [];
  const base = baseUrl.replace(/\/+$/, '');
  if (!/^https?:\/\/[^\s"'<>]+$/.test(base)) return [];
  return [{ label: wordsOf(reader.language).labels.open, url: `${base}/v1/alerts/${encodeURIComponent(alert)}` }];
}
