import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRules, readRuleTexts } from '../../src/wire/rules.ts';
import { faintText, openWatched, overflowWidth, startBrowser, unreadableText } from '../support/browser.ts';
import { runCli } from '../support/cli.ts';
import { ACTING_CHARACTERS, HOSTILE_TEXTS } from '../support/hostile-text.ts';
import { dailyLoad } from '../support/series.ts';

const SCREENS = [
  { width: 1280, dark: false },
  { width: 1280, dark: true },
  { width: 390, dark: false },
  { width: 390, dark: true },
];

let browser: Browser;
const directory = mkdtempSync(join(tmpdir(), 'tollkeeper-browser-test-'));
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true });
});

const file = (name: string, content = '') => {
  const path = join(directory, name);
  if (content !== '') writeFileSync(path, content);
  return path;
};

/** Opens a file on one screen, and expects that it did nothing by itself and that all of it can be read. */
async function open(path: string, screen: { readonly width: number; readonly dark: boolean }): Promise<Page> {
  const url = pathToFileURL(path).href;
  const { page, complaints, requests, actions } = await openWatched(browser, url, screen);
  expect({ complaints, requests, actions }).toEqual({ complaints: [], requests: [url], actions: [] });
  expect(await unreadableText(page)).toEqual([]);
  expect(await faintText(page)).toEqual([]);
  return page;
}

const count = (page: Page, selector: string) => page.locator(selector).count();
const words = (page: Page) => page.evaluate<string>('document.documentElement.textContent');

/** Elements that act or load. */
const ACTIVE = 'script, img, iframe, object, embed, link, form, a, base, meta[http-equiv=refresh], foreignObject';

describe('the pages of a backtest and a comparison', () => {
  const report = file('report.html');
  const comparison = file('comparison.html');

  beforeAll(async () => {
    const given = {
      readRules: (place?: string) => readRules(place, { runTests: false }),
      readRuleTexts: (place?: string) => readRuleTexts(place),
    };
    const events = file('usage.ndjson', usage());
    const attacks = HOSTILE_TEXTS.map(
      (account, index) =>
        `case_${index},${quoted(account)},${quoted(account)},,2026-02-04T00:00:00Z,2026-02-04T04:00:00Z,5000`,
    );
    const labels = file('labels.csv', `attack_id,family,accounts,sources,start,end,loss_usd\n${attacks.join('\n')}\n`);
    const run = await runCli(
      ['rules', 'backtest', '--events', events, '--labels', labels, '--html', report, '--quiet'],
      given,
    );
    expect(run.stderr).toBe('');
    expect(run.exitCode).toBe(0);
    expect(run.stdout).not.toMatch(ACTING_CHARACTERS);
    // The same rules without those that freeze.
    const fewer = join(directory, 'fewer-rules');
    cpSync('rules', fewer, { recursive: true });
    for (const name of ['leaked-key-burst.yaml', 'slow-drain.yaml', 'spend-burst.yaml']) rmSync(join(fewer, name));
    const compare = ['rules', 'diff', fewer, 'rules', '--events', events, '--labels', labels, '--html', comparison];
    expect(await runCli([...compare, '--quiet'], given)).toMatchObject({ exitCode: 0 });
  });

  test.each(SCREENS)('can be read at $width pixels, dark: $dark', async (screen) => {
    const page = await open(report, screen);
    expect(await overflowWidth(page)).toBe(0);
    const plots = await page.locator('svg').evaluateAll((all) => all.map((svg) => svg.getAttribute('aria-label')));
    expect(plots).toEqual(
      expect.arrayContaining([
        'Alerts per day',
        'Precision and recall by budget',
        'Stolen usage saved and lost by budget',
        'Money saved and friction over time',
      ]),
    );
    // Every plot has something drawn in it, not its axes alone.
    for (const name of ['Alerts per day', 'Precision and recall by budget', 'Money saved and friction over time']) {
      const drawn = page.locator(`svg[aria-label="${name}"] :is(rect, path)`);
      expect((await drawn.first().boundingBox())?.width, name).toBeGreaterThan(1);
    }
    // Caught accounts with their spend and what was usual.
    expect(await count(page, 'svg[aria-label^="Spend per hour"] rect.since')).toBeGreaterThan(0);
    expect(await count(page, 'svg[aria-label^="Spend per hour"] path.usual')).toBeGreaterThan(0);
    await page.context().close();
  });

  test.each(SCREENS)('of a comparison can be read at $width pixels, dark: $dark', async (screen) => {
    const page = await open(comparison, screen);
    expect(await overflowWidth(page)).toBe(0);
    expect(await count(page, 'rect.bar-b')).toBeGreaterThan(2);
    const text = await words(page);
    expect(text).toContain('Newly frozen by B (6)');
    expect(text).toContain('<script>document.title="ran"</script>: allow → freeze');
    expect(text).not.toMatch(ACTING_CHARACTERS);
    expect(await count(page, ACTIVE)).toBe(0);
    await page.context().close();
  });

  test('shows the names of customers and runs none of them', async () => {
    const page = await open(report, { width: 1280, dark: false });
    expect(await page.title()).toBe('Backtest');
    expect(await count(page, ACTIVE)).toBe(0);
    const text = await words(page);
    expect(text).toContain('<script>document.title="ran"</script>');
    expect(text).toContain('"><img src=x onerror=alert(1)>');
    expect(text).not.toMatch(ACTING_CHARACTERS);
    await page.context().close();
  });

  test('would run nothing even if something got in', async () => {
    const pierced = file(
      'pierced.html',
      readFileSync(report, 'utf8').replace('</body>', '<script>document.title="ran"</script></body>'),
    );
    const { page, complaints } = await openWatched(browser, pathToFileURL(pierced).href);
    expect(await page.title()).toBe('Backtest');
    expect(complaints.join()).toContain('Content Security Policy');
    await page.context().close();
  });
});

describe('the plot of a series', () => {
  const html = file('plot.html');
  const svg = file('plot.svg');
  const name = `${HOSTILE_TEXTS.join('')} ${'long '.repeat(60)}`;

  beforeAll(async () => {
    const rows = dailyLoad(2_500).map(
      (value, index) => `${1_770_000_000 + index * 300},${index === 2_000 ? 500 : value.toFixed(3)}`,
    );
    const series = file('series.csv', `timestamp,${quoted(name)}\n${rows.join('\n')}\n`);
    for (const target of [html, svg]) {
      const run = await runCli(['detect', series, '--out', file('scored.csv'), '--plot', target, '--quiet']);
      expect(run).toMatchObject({ exitCode: 0 });
    }
  });

  test.each(SCREENS)('as a page can be read at $width pixels, dark: $dark', async (screen) => {
    const page = await open(html, screen);
    expect(await overflowWidth(page)).toBe(0);
    for (const css of ['value', 'expected', 'band', 'score']) {
      expect((await page.locator(`svg path.${css}`).first().boundingBox())?.width, css).toBeGreaterThan(100);
    }
    expect(await count(page, 'svg circle.mark')).toBe(await count(page, 'tbody tr'));
    expect(await count(page, 'svg circle.mark')).toBeGreaterThan(0);
    await page.context().close();
  });

  test.each([html, svg])('runs nothing that a column is called: %s', async (path) => {
    const page = await open(path, { width: 1280, dark: false });
    expect(await count(page, ACTIVE)).toBe(0);
    const text = await words(page);
    expect(text).toContain('<script>document.title="ran"</script>');
    expect(text).not.toMatch(ACTING_CHARACTERS);
    await page.context().close();
  });
});

/** A dollar an hour for thirty days, then a drain, for every account. */
function usage(): string {
  const lines: { readonly atMs: number; readonly text: string }[] = [];
  for (const [which, account] of HOSTILE_TEXTS.entries()) {
    for (let index = 0; index < 760; index++) {
      const hours = Math.min(index, 720);
      const atMs = Date.UTC(2026, 0, 5) + hours * 3_600_000 + Math.max(0, index - 720) * 300_000 + which * 1_000;
      const event = {
        id: `e${which}-${index}`,
        source: `s${which}`,
        account,
        meter: 'api.calls',
        quantity: index < 720 ? 500 : 15_000,
        timestamp: new Date(atMs).toISOString(),
        seq: index,
        properties: { received_at: new Date(atMs + 1_000).toISOString() },
      };
      lines.push({ atMs, text: JSON.stringify(event) });
    }
  }
  return `${lines
    .sort((left, right) => left.atMs - right.atMs)
    .map(({ text }) => text)
    .join('\n')}\n`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
