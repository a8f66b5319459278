import { escapeMarkup } from './draw-plot.ts';

const STYLE = `
:root{color-scheme:light dark}body{margin:24px auto;max-width:1200px;padding:0 16px;font:15px/1.5 system-ui,sans-serif;background:#fff;color:#1f2328}
/* Narrower than its minimum the plot is scrolled: its labels would be too small to read. */
.scroll{overflow-x:auto}svg{display:block;width:100%;min-width:60rem;height:auto}table{border-collapse:collapse;margin-top:16px}th,td{text-align:left;padding:4px 16px 4px 0;border-bottom:1px solid #d8dee4;font-variant-numeric:tabular-nums;white-space:nowrap}
@media (prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th,td{border-color:#30363d}}`;

/** A plot in a page of its own, with its incidents as a table. Nothing is loaded from elsewhere and nothing runs. */
export function drawPage(
  svg: string,
  title: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const cells = (tag: 'th' | 'td', texts: readonly string[]) =>
    `<tr>${texts.map((text) => `<${tag}>${escapeMarkup(text)}</${tag}>`).join('')}</tr>`;
  const table =
    rows.length === 0
      ? '<p>No incidents.</p>'
      : `<div class="scroll"><table><thead>${cells('th', heads)}</thead><tbody>${rows.map((row) => cells('td', row)).join('')}</tbody></table></div>`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeMarkup(title)}</title><style>${STYLE}</style></head><body>`,
    `<div class="scroll">${svg}</div>`,
    table,
    '</body></html>\n',
  ].join('\n');
}
