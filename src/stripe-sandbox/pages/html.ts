import type { Answer } from '../http/api.ts';

/** Text that is HTML already; everything else is escaped when it is put into a page. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Html[];

/** A template whose values are escaped: names, metadata and descriptions come from anybody. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  const parts = strings.map((text, at) => text + (at < values.length ? shown(values[at]) : ''));
  return new Html(parts.join(''));
}

function shown(value: Part | undefined): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map((item: Html) => item.text).join('\n');
  return escaped(String(value ?? ''));
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const STYLE = new Html(`
  :root { color-scheme: light dark; --line: #8884; --soft: #8881; --go: #1a6e3c; --stop: #a3341f; }
  * { box-sizing: border-box; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
  header { display: flex; gap: 1rem; align-items: baseline; border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; }
  header a { color: inherit; text-decoration: none; font-weight: 600; }
  header small, .soft { opacity: .7; }
  h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
  table { border-collapse: collapse; width: 100%; font-size: .9rem; }
  th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
  td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  code { font-size: .85em; overflow-wrap: anywhere; }
  form { display: inline; }
  button, select, input { font: inherit; padding: .35rem .7rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--soft); color: inherit; }
  button { cursor: pointer; } td button { font-size: .8rem; padding: .1rem .5rem; }
  button.go { background: var(--go); border-color: var(--go); color: #fff; }
  .card { border: 1px solid var(--line); border-radius: .6rem; padding: 1.5rem; max-width: 28rem; margin: 2rem auto; }
  .card select, .card input { width: 100%; text-overflow: ellipsis; }
  td code { white-space: nowrap; }
  .card .row { display: flex; flex-direction: column; gap: .6rem; margin-top: 1rem; }
  .amount { font-size: 2rem; font-weight: 600; font-variant-numeric: tabular-nums; }
  .bad { color: var(--stop); border: 1px solid var(--stop); border-radius: .4rem; padding: .5rem .8rem; }
  .scroll { overflow-x: auto; }
`);

/** A whole page as an answer. No scripts, and nothing from elsewhere. */
export function page(title: string, body: Html, status = 200): Answer {
  const document = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${STYLE}</style></head>
<body><header><a href="/">Stripe sandbox</a><small>a fake on this machine: no money moves</small></header>
${body}
</body></html>
`;
  return {
    status,
    body: document.text,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:",
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    },
  };
}

/** Sends the browser on; addresses that are not of the web are refused by going nowhere. */
export function redirect(url: string): Answer {
  const isWeb = url.startsWith('/') || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol));
  return { status: 303, body: '', headers: { location: isWeb ? url : '/', 'cache-control': 'no-store' } };
}

/** Minor units as people read them. */
export function moneyText(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: currency.toUpperCase() });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}
