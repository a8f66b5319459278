import type { OutgoingMessage } from '../messages/outgoing-message.ts';
import { cleanText } from '../text/clean.ts';
import type { Brief } from './brief.ts';
import { chartPng } from './chart.ts';
import { renderHtml } from './render-html.ts';
import { renderSlack } from './render-slack.ts';
import { renderText } from './render-text.ts';

const SUBJECT_MAX = 150;
const CHART_ID = 'chart';

/** A brief in every form, with what routing needs. */
export function messageOf(
  brief: Brief,
  about: Pick<OutgoingMessage, 'kind' | 'severity' | 'messageId' | 'subject' | 'event'>,
): OutgoingMessage {
  const { chart } = brief;
  return {
    ...about,
    messageId: about.messageId.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 200),
    subject: oneLine(about.subject),
    text: renderText(brief),
    html: renderHtml(brief, chart === null ? null : `cid:${CHART_ID}`),
    slackBlocks: renderSlack(brief),
    attachments:
      chart === null
        ? []
        : [{ filename: 'chart.png', contentType: 'image/png', content: chartPng(chart), contentId: CHART_ID }],
  };
}

/** A header's worth of text: one line, without what cannot be seen. */
function oneLine(text: string): string {
  const line = cleanText(text.replaceAll('\u00a0', ' ')).replace(/\s+/g, ' ').trim();
  const characters = Array.from(line);
  return characters.length <= SUBJECT_MAX ? line : `${characters.slice(0, SUBJECT_MAX - 1).join('')}…`;
}
