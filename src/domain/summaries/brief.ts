import type { MessageAttachment } from '../messages/outgoing-message.ts';
import type { Language } from '../numbers-lock/number-words.ts';
import type { ChartData } from './chart.ts';

/** A message before it takes a form: what is said, in order, as plain text that needs escaping wherever it is put. */
export interface Brief {
  readonly language: Language;
  /** What the colour of the mark says. */
  readonly tone: 'stopped' | 'slowed' | 'looking' | 'calm';
  /** A few words beside the mark: `Wallet frozen`. */
  readonly mark: string;
  /** Whom it is about. */
  readonly heading: string;
  /** Under the heading: the id, when. */
  readonly subheading: string;
  /** What happened, in one or two sentences. */
  readonly lead: readonly string[];
  readonly chart: ChartData | null;
  /** The figures that matter most, at most four. */
  readonly tiles: readonly { readonly label: string; readonly value: string; readonly note: string }[];
  readonly sections: readonly BriefSection[];
  readonly links: readonly BriefLink[];
  /** In small letters below: what times are told in, why this came. */
  readonly footer: readonly string[];
}

export interface BriefSection {
  readonly label: string;
  readonly paragraphs: readonly string[];
  /** `steps` are numbered, `quote` is to be sent on as it stands, `code` is copied, `rows` are names with a value each. */
  readonly kind: 'text' | 'steps' | 'quote' | 'rows' | 'code';
  /** Of `rows`: beside each paragraph. */
  readonly values?: readonly string[];
}

export interface BriefLink {
  readonly label: string;
  readonly url: string;
}

/** Pictures of a message and the ids under which its HTML shows them. */
export interface BriefPictures {
  readonly attachments: readonly MessageAttachment[];
  readonly chartContentId: string | null;
}

/** Everything a brief says, text by text, for whoever holds it to its facts. */
export function briefTexts(brief: Brief): readonly string[] {
  const { mark, heading, subheading, lead, chart, tiles, sections, links, footer } = brief;
  return [
    ...[mark, heading, subheading, ...lead],
    ...(chart === null ? [] : [chart.alt, chart.startLabel, chart.peakLabel, chart.usualLabel]),
    ...tiles.flatMap(({ label, value, note }) => [label, value, note]),
    ...sections.flatMap(({ label, paragraphs, values = [] }) => [label, ...paragraphs, ...values]),
    ...links.flatMap(({ label, url }) => [label, url]),
    ...footer,
  ].filter((text) => text !== '');
}
