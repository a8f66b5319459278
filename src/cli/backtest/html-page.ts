import { escapeText } from './svg.ts';

/** Rows of a table on the page; the JSON has all. */
const ROWS_MAX = 50;

// No script, no font, no image from anywhere: the page is one file, and nothing in it can run.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--paper:#fff;--card:#f6f8fa;
--watch:#e0b040;--review:#e07b39;--freeze:#c0392b;--good:#1d8348;--bad:#c0392b;--neutral:#2e6da4;--before:#8fb3d9}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa5b4;--line:#333c48;--paper:#12161c;--card:#1b212a;
--watch:#d9b24c;--review:#e58a4e;--freeze:#e35d4f;--good:#4cc38a;--bad:#e35d4f;--neutral:#6ab0f3;--before:#46688f}}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}h3{font-size:.95rem;margin:.2rem 0}p.soft,figcaption{color:var(--soft)}
.warning{border-left:4px solid var(--watch);padding:.2rem .8rem;background:var(--card)}
.grid2{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:1rem}figure{margin:0;background:var(--card);padding:.6rem;border-radius:6px;min-width:0}
h3{overflow-wrap:anywhere}figcaption{font-size:.87rem}
table{border-collapse:collapse;width:100%;font-size:.87rem;margin-top:.6rem}table.many{min-width:40rem}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td,th{max-width:22rem;vertical-align:top}td.n,th.n{white-space:nowrap}.scroll{overflow-x:auto}
/* Narrower than its minimum a wide plot is scrolled: its labels would be too small to read. */
svg{width:100%;height:auto;display:block}svg.wide{min-width:50rem}.grid{stroke:var(--line);stroke-width:1}.axis{fill:var(--soft);font:13px system-ui,sans-serif}
.end{text-anchor:end}.mid{text-anchor:middle}.watch{fill:var(--watch)}.review{fill:var(--review)}.freeze{fill:var(--freeze)}
.before{fill:var(--before)}.since{fill:var(--review)}.bar-b{fill:var(--neutral)}.line{fill:none;stroke-width:2}.line.good{stroke:var(--good)}.line.bad{stroke:var(--bad)}
.line.neutral{stroke:var(--neutral)}.limit,.usual{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4}.usual.high{stroke-dasharray:2 4}
.mark{stroke:var(--freeze);stroke-width:1.5}.key{white-space:nowrap;margin-left:.9em}.key i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}`;

/** A report as one page that needs nothing else, light and dark. Parts are finished HTML; empty ones are left out. */
export function htmlPage(title: string, parts: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}"><title>${escapeText(title)}</title><style>${STYLE}</style></head><body>`,
    ...parts.filter((part) => part !== ''),
    '</body></html>',
    '',
  ].join('\n');
}

/** A plot with its caption below; what is too wide for the screen is scrolled alone. */
export function figure(plot: string, caption: string): string {
  return `<figure><div class="scroll">${plot}</div><figcaption>${caption}</figcaption></figure>`;
}

/** What the colours of a plot mean. */
export function legend(entries: readonly (readonly string[])[]): string {
  return entries
    .map(
      ([css = '', text = '']) =>
        ` <span class="key"><i style="background:var(--${css === 'since' ? 'review' : css})"></i>${escapeText(text)}</span>`,
    )
    .join('');
}

/** A column of a table. */
export interface Column<Row> {
  readonly head: string;
  readonly isNumber?: boolean;
  readonly cell: (row: Row) => string;
}

/** A table, scrolled alone where it is too wide; its longest part only. */
export function htmlTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const css = (column: Column<Row>) => (column.isNumber === true ? ' class="n"' : '');
  const head = columns.map((column) => `<th${css(column)}>${escapeText(column.head)}</th>`).join('');
  const body = rows.slice(0, ROWS_MAX).map((row) => {
    return `<tr>${columns.map((column) => `<td${css(column)}>${escapeText(column.cell(row), 120)}</td>`).join('')}</tr>`;
  });
  const rest =
    rows.length > ROWS_MAX ? `<p class="soft">and ${rows.length - ROWS_MAX} more; --json lists all.</p>` : '';
  return `<div class="scroll"><table${columns.length > 3 ? ' class="many"' : ''}><tr>${head}</tr>${body.join('')}</table></div>${rest}`;
}
