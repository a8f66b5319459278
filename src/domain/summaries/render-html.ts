import { cleanText } from '../text/clean.ts';
import type { Brief, BriefSection } from './brief.ts';

/** Text as it may stand in HTML, also inside an attribute. */
export function escapeHtml(text: string): string {
  return cleanText(text).replace(/[&<>"'`=]/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}

const FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace";
const INK = '#0f172a';
const SOFT = '#475569';
const LINE = '#e2e8f0';
const TONES: Readonly<Record<Brief['tone'], { readonly ground: string; readonly ink: string }>> = {
  stopped: { ground: '#b91c1c', ink: '#ffffff' },
  slowed: { ground: '#b45309', ink: '#ffffff' },
  looking: { ground: '#1d4ed8', ink: '#ffffff' },
  calm: { ground: '#334155', ink: '#ffffff' },
};

// Programs that know neither style blocks nor dark screens show the inline styles, which are complete by themselves.
const STYLE = `
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
.page{background:#0b1120!important}.card{background:#111827!important;border-color:#334155!important}
.ink,.ink a{color:#f1f5f9!important}.soft{color:#a8b3c4!important}.rule{border-color:#334155!important}
.tile{background:#1e293b!important;border-color:#334155!important}.quote{background:#172036!important;border-color:#3b82f6!important}
.code{background:#0b1120!important;color:#e2e8f0!important;border-color:#334155!important}.button{background:#3b82f6!important}
}
@media (max-width:560px){
.pad{padding-left:18px!important;padding-right:18px!important}.page{padding:0!important}.card{border-radius:0!important;border-left:0!important;border-right:0!important}
.tiles{margin:10px -4px 4px!important}.tilecell{display:inline-block!important;width:46%!important;width:calc(50% - 8px)!important;box-sizing:border-box!important;margin:4px!important}
.label{display:block!important;width:auto!important;padding:14px 0 2px!important;border-top:1px solid ${LINE}}
.body{display:block!important;width:auto!important;padding:0 0 12px!important;border-top:0!important}
}`.replaceAll('\n', '');

/**
 * A brief as an HTML mail: tables and inline styles, no scripts, no forms, nothing fetched from elsewhere. `chartSource` is
 * what the chart's picture is read from, `cid:…` in mail and `data:…` in a browser; without one there is no picture.
 */
export function renderHtml(brief: Brief, chartSource: string | null): string {
  const { heading, mark, subheading, lead, sections, links, footer, language, tone } = brief;
  const { ground, ink } = TONES[tone];
  const body = [
    `<p style="margin:0 0 10px"><span style="display:inline-block;background:${ground};color:${ink};font-size:13px;font-weight:600;line-height:20px;padding:3px 10px;border-radius:999px">${escapeHtml(mark)}</span></p>`,
    `<h1 class="ink" style="margin:0;font-size:22px;line-height:30px;font-weight:650;color:${INK};overflow-wrap:anywhere">${escapeHtml(heading)}</h1>`,
    `<p class="soft" style="margin:2px 0 16px;font-size:14px;line-height:20px;color:${SOFT};overflow-wrap:anywhere">${escapeHtml(subheading)}</p>`,
    ...lead.map(
      (text) =>
        `<p class="ink" style="margin:0 0 8px;font-size:16px;line-height:24px;color:${INK};overflow-wrap:anywhere">${escapeHtml(text)}</p>`,
    ),
    chartHtml(brief, chartSource),
    tilesHtml(brief),
    sectionsHtml(sections),
    links.length === 0
      ? ''
      : `<p style="margin:22px 0 0">${links
          .map(
            ({ label, url }) =>
              `<a class="button" href="${escapeHtml(url)}" style="display:inline-block;background:#1d4ed8;color:#ffffff;font-size:15px;font-weight:600;line-height:22px;padding:10px 18px;border-radius:8px;text-decoration:none">${escapeHtml(label)}</a>`,
          )
          .join(' ')}</p>`,
    `<p class="soft" style="margin:22px 0 0;font-size:12px;line-height:18px;color:#64748b;overflow-wrap:anywhere">${footer.map(escapeHtml).join(' ')}</p>`,
  ];
  return [
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">`,
    `<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">`,
    `<title>${escapeHtml(`${heading} · ${mark}`)}</title><style>${STYLE}</style></head>`,
    `<body class="page" style="margin:0;padding:0;background:#f1f5f9;font-family:${FONT};-webkit-text-size-adjust:100%">`,
    `<div style="display:none;max-height:0;overflow:hidden">${escapeHtml(lead[0] ?? subheading)}</div>`,
    `<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f1f5f9;padding:24px 0"><tr><td align="center">`,
    `<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:640px;background:#ffffff;border:1px solid ${LINE};border-radius:14px;text-align:left">`,
    `<tr><td class="pad" style="padding:28px 32px;font-family:${FONT}">${body.join('\n')}</td></tr></table></td></tr></table></body></html>\n`,
  ].join('');
}

function chartHtml({ chart }: Brief, source: string | null): string {
  if (chart === null || source === null) return '';
  const small = (text: string, align: string) =>
    `<td class="soft" align="${align}" style="font-size:12px;line-height:18px;color:${SOFT}">${escapeHtml(text)}</td>`;
  const above = [chart.peakLabel, chart.usualLabel].filter((part) => part !== '').join(' · ');
  return [
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:14px 0 4px">',
    `<tr><td class="ink" style="font-size:13px;line-height:20px;font-weight:600;color:${INK}">${escapeHtml(chart.title)}</td>${small(above, 'right')}</tr>`,
    `<tr><td colspan="2" style="padding:4px 0"><img src="${escapeHtml(source)}" width="560" alt="${escapeHtml(chart.alt)}" style="display:block;width:100%;max-width:576px;height:auto;border:0"></td></tr>`,
    `<tr>${small(chart.startLabel, 'left')}${small(chart.endLabel, 'right')}</tr></table>`,
  ].join('');
}

function tilesHtml({ tiles }: Brief): string {
  if (tiles.length === 0) return '';
  const width = Math.floor(100 / tiles.length);
  const cells = tiles.map(({ label, value, note }) =>
    [
      `<td class="tile tilecell" width="${width}%" valign="top" style="background:#f8fafc;border:1px solid ${LINE};border-radius:10px;padding:10px 12px;vertical-align:top">`,
      `<div class="soft" style="font-size:12px;line-height:18px;color:${SOFT}">${escapeHtml(label)}</div>`,
      `<div class="ink" style="font-size:17px;line-height:26px;font-weight:650;color:${INK};white-space:nowrap">${escapeHtml(value)}</div>`,
      note === ''
        ? ''
        : `<div class="soft" style="font-size:11px;line-height:15px;color:${SOFT}">${escapeHtml(note)}</div>`,
      '</td>',
    ].join(''),
  );
  return `<div class="tiles" style="margin:10px -8px 4px"><table role="presentation" width="100%" cellpadding="0" cellspacing="8" border="0" style="table-layout:fixed;border-collapse:separate"><tr>${cells.join('')}</tr></table></div>`;
}

function sectionsHtml(sections: readonly BriefSection[]): string {
  if (sections.length === 0) return '';
  const rows = sections.map(
    (section) =>
      `<tr><td class="soft rule label" width="128" valign="top" style="width:128px;padding:12px 14px 12px 0;border-top:${section.label === '' ? '0' : `1px solid ${LINE}`};font-size:13px;line-height:21px;font-weight:600;color:${SOFT};vertical-align:top">${escapeHtml(section.label)}</td><td class="ink rule body" valign="top" style="padding:12px 0;border-top:${section.label === '' ? '0' : `1px solid ${LINE}`};font-size:14px;line-height:21px;color:${INK};vertical-align:top;overflow-wrap:anywhere">${sectionBody(section)}</td></tr>`,
  );
  return `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 0">${rows.join('')}</table>`;
}

function sectionBody({ kind, paragraphs, values = [] }: BriefSection): string {
  const each = (write: (text: string, index: number) => string) => paragraphs.map(write).join('');
  switch (kind) {
    case 'steps':
      return `<ol style="margin:0;padding:0 0 0 20px">${each((text) => `<li style="margin:0 0 4px">${escapeHtml(text)}</li>`)}</ol>`;
    case 'quote':
      return each(
        (text) =>
          `<div class="quote ink" style="background:#eff6ff;border-left:3px solid #3b82f6;border-radius:0 8px 8px 0;padding:10px 14px;color:${INK}">${escapeHtml(text)}</div>`,
      );
    case 'rows': {
      const row = (text: string, index: number) =>
        `<p style="margin:0 0 8px"><strong>${escapeHtml(text)}</strong><br><span class="soft" style="color:${SOFT}">${escapeHtml(values[index] ?? '')}</span></p>`;
      return each(row);
    }
    case 'code':
      return each(
        (text) =>
          `<div class="code" style="font-family:${MONO};font-size:12px;line-height:18px;background:#f8fafc;border:1px solid ${LINE};border-radius:6px;padding:4px 8px;margin:0 0 4px;overflow-wrap:anywhere">${wordsWhole(text)}</div>`,
      );
    default:
      return each((text) => `<p style="margin:0 0 6px">${escapeHtml(text)}</p>`);
  }
}

/** Options break between each other and not after a hyphen. */
function wordsWhole(text: string): string {
  return text
    .split(' ')
    .map((word) =>
      word.length > 28 ? escapeHtml(word) : `<span style="white-space:nowrap">${escapeHtml(word)}</span>`,
    )
    .join(' ');
}
