import { cleanText, displayWidth } from '../text/clean.ts';
import { labelled } from '../text/wrap.ts';
import type { Brief, BriefSection } from './brief.ts';
import { chartLine } from './chart.ts';

const COLUMNS = 92;
const INDENT = 18;

/** A brief as plain text of at most 92 columns. Nothing in it can move a terminal's cursor or end a line early. */
export function renderText(brief: Brief): string {
  const { heading, mark, subheading, lead, chart, tiles, sections, links, footer } = brief;
  const wide = (text: string) => labelled('', [cleanText(text)], { indent: 0, columns: COLUMNS });
  const blocks = [
    [wide(`${heading} · ${mark}`), wide(subheading)].join('\n'),
    lead.map(wide).join('\n'),
    ...(chart === null
      ? []
      : [
          [
            `  ${chartLine(chart)}`,
            `  ${[`${chart.startLabel} – ${chart.endLabel}`, chart.peakLabel, chart.usualLabel].filter((part) => part !== '').join(' · ')}`,
          ].join('\n'),
        ]),
    ...(tiles.length === 0
      ? []
      : [tiles.map(({ label, value, note }) => block(label, [note === '' ? value : `${value} ${note}`])).join('\n')]),
    sections.map(sectionText).join('\n'),
    ...(links.length === 0 ? [] : [links.map(({ label, url }) => block(label, [url])).join('\n')]),
    footer.map(wide).join('\n'),
  ];
  return `${blocks.filter((part) => part !== '').join('\n\n')}\n`;
}

function sectionText({ label, paragraphs, kind, values = [] }: BriefSection): string {
  const numbered = paragraphs.map((paragraph, index) => {
    if (kind === 'steps') return `${index + 1}. ${paragraph}`;
    const value = values[index];
    return value === undefined || value === '' ? paragraph : `${paragraph}: ${value}`;
  });
  // A command that is broken in the middle cannot be copied.
  return block(label, numbered, kind === 'code');
}

function block(label: string, paragraphs: readonly string[], keepsLines = false): string {
  const name = cleanText(label);
  const columns = keepsLines ? Number.MAX_SAFE_INTEGER : COLUMNS;
  const text = labelled('', paragraphs.map(cleanText), { indent: INDENT, columns });
  if (text === '') return name;
  return name + ' '.repeat(Math.max(1, INDENT - displayWidth(name))) + text.slice(INDENT);
}
