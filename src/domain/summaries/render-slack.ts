import { cleanText } from '../text/clean.ts';
import type { Brief, BriefSection } from './brief.ts';
import { chartLine } from './chart.ts';

type Block = Readonly<Record<string, unknown>>;

const BLOCKS_MAX = 50;
const HEADER_MAX = 150;
const TEXT_MAX = 3_000;
const FIELD_MAX = 2_000;
const BUTTON_MAX = 75;
const URL_MAX = 3_000;

/**
 * A brief as Block Kit blocks. Text that anybody else has a part in stands in `plain_text` and rich text alone, where Slack
 * reads neither formatting nor mentions; mark-up is ours and escaped nevertheless.
 */
export function renderSlack(brief: Brief): readonly Block[] {
  const { heading, mark, subheading, lead, chart, tiles, sections, links, footer } = brief;
  const blocks: Block[] = [
    { type: 'header', text: plain(`${mark} · ${heading}`, HEADER_MAX) },
    { type: 'context', elements: [plain(subheading, TEXT_MAX)] },
    ...lead.map((text) => ({ type: 'section', text: plain(text, TEXT_MAX) })),
  ];
  if (chart !== null) {
    const caption = [`${chart.startLabel} – ${chart.endLabel}`, chart.peakLabel, chart.usualLabel].filter(
      (part) => part !== '',
    );
    blocks.push(
      { type: 'section', text: marked(`*${escaped(chart.title)}*\n\`${chartLine(chart)}\``, TEXT_MAX) },
      { type: 'context', elements: [plain(caption.join(' · '), TEXT_MAX)] },
    );
  }
  if (tiles.length > 0) {
    const fields = tiles.map(({ label, value, note }) =>
      marked(`*${escaped(label)}*\n${escaped(value)}${note === '' ? '' : `\n_${escaped(note)}_`}`, FIELD_MAX),
    );
    blocks.push({ type: 'section', fields });
  }
  for (const section of sections) blocks.push(...sectionBlocks(section));
  const buttons = links.filter(({ url }) => url.length <= URL_MAX).slice(0, 5);
  if (buttons.length > 0) {
    const elements = buttons.map(({ label, url }) => ({ type: 'button', text: plain(label, BUTTON_MAX), url }));
    blocks.push({ type: 'actions', elements });
  }
  const last: Block = { type: 'context', elements: [plain(footer.join(' '), TEXT_MAX)] };
  return [...blocks.slice(0, BLOCKS_MAX - 1), ...(footer.length === 0 ? [] : [last])];
}

function sectionBlocks({ label, paragraphs, kind, values = [] }: BriefSection): readonly Block[] {
  const title: Block[] = label === '' ? [] : [{ type: 'section', text: marked(`*${escaped(label)}*`, TEXT_MAX) }];
  if (paragraphs.length === 0) return [];
  if (kind === 'quote') return [...title, rich('rich_text_quote', paragraphs.join('\n\n'))];
  if (kind === 'code') return [...title, rich('rich_text_preformatted', paragraphs.join('\n'))];
  const lines = paragraphs.map((text, index) => {
    if (kind === 'steps') return `${index + 1}. ${text}`;
    return values[index] === undefined ? text : `${text}\n${values[index]}`;
  });
  return [...title, { type: 'section', text: plain(lines.join('\n'), TEXT_MAX) }];
}

function rich(type: 'rich_text_quote' | 'rich_text_preformatted', text: string): Block {
  return {
    type: 'rich_text',
    elements: [{ type, elements: [{ type: 'text', text: cut(cleanLines(text), TEXT_MAX) }] }],
  };
}

function plain(text: string, max: number): Block {
  const clean = cut(cleanLines(text), max);
  // Slack refuses empty texts.
  return { type: 'plain_text', text: clean === '' ? '–' : clean, emoji: false };
}

function marked(text: string, max: number): Block {
  return { type: 'mrkdwn', text: cut(text, max), verbatim: true };
}

/** Slack's three characters, and those that would begin formatting. */
function escaped(text: string): string {
  return cleanText(text)
    .replace(/[*_~`]/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function cleanLines(text: string): string {
  return text.split('\n').map(cleanText).join('\n');
}

/** Never through the middle of a character. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  let end = max - 1;
  if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end -= 1;
  return `${text.slice(0, end)}…`;
}
