import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import chromiumPackage from '@sparticuz/chromium';
import { type Browser, chromium, type Page } from 'playwright-core';
import { writableStore } from './redis-binary.ts';

/**
 * Starts a headless browser that npm brought along: nothing needs to be installed, no root, no network. It fails where it
 * cannot start; a test that looks at a page must not pass without having looked. Close it when the tests are over.
 */
export async function startBrowser(): Promise<Browser> {
  const home = await unpackedBrowser();
  return chromium.launch({
    executablePath: join(home, 'chromium'),
    // In containers neither root nor an ordinary user may make the namespaces that the sandbox needs; pages are our own.
    args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none', '--disable-dev-shm-usage'],
    env: {
      ...definedOnly(process.env),
      // Its own NSS and expat, which a small machine does not have.
      LD_LIBRARY_PATH: join(home, 'al2023', 'lib'),
      FONTCONFIG_FILE: join(home, 'fonts.conf'),
      HOME: home,
    },
  });
}

/** A page on which something went wrong: a script's error, a refused resource, a request to anywhere. */
export interface WatchedPage {
  readonly page: Page;
  /** What the browser complained about, in order. */
  readonly complaints: string[];
  /** Addresses that were asked for, the page itself included. */
  readonly requests: string[];
  /** Dialogs, pop-ups and downloads: none may happen by itself. */
  readonly actions: string[];
}

/** A page at a width and a colour scheme, with everything noted that it does by itself. */
export async function openWatched(
  browser: Browser,
  url: string,
  { width = 1280, dark = false }: { readonly width?: number; readonly dark?: boolean } = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
  });
  const page = await context.newPage();
  const [complaints, requests, actions]: [string[], string[], string[]] = [[], [], []];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  page.on('dialog', (dialog) => {
    actions.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('popup', (popup) => actions.push(`popup: ${popup.url()}`));
  page.on('download', (download) => actions.push(`download: ${download.url()}`));
  await page.goto(url);
  return { page, complaints, requests, actions };
}

/** How many pixels a page is wider than its window: 0 when nothing is cut off or must be scrolled to sideways. */
export async function overflowWidth(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/**
 * Text in a plot that nobody could read: smaller than `minPx` on the screen, or outside its plot. Measured where the browser
 * has drawn it.
 */
export async function unreadableText(page: Page, minPx = 9): Promise<readonly string[]> {
  return page.evaluate(`(() => {
    const found = [];
    for (const text of document.querySelectorAll('svg text')) {
      const size = text.getBoundingClientRect();
      const plot = text.ownerSVGElement.getBoundingClientRect();
      const px = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
      if (px < ${minPx}) found.push(text.textContent + ': ' + px.toFixed(1) + ' px');
      const isOutside = size.left < plot.left - 1 || size.right > plot.right + 1 || size.top < plot.top - 1 || size.bottom > plot.bottom + 1;
      if (isOutside) found.push(text.textContent + ': outside its plot');
    }
    return found;
  })()`);
}

/** Text that stands out from its ground by less than 4.5 : 1, which WCAG 2.1 asks of small text. */
export async function faintText(page: Page): Promise<readonly string[]> {
  return page.evaluate(`(() => {
    const parts = (color) => {
      const [r = 0, g = 0, b = 0, a = 1] = (color.match(/[\\d.]+/g) ?? []).map(Number);
      return { rgb: [r, g, b], a };
    };
    const light = ({ rgb }) => {
      const [r, g, b] = rgb.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const groundOf = (element) => {
      const drawn = element.ownerSVGElement?.querySelector('rect.ground');
      if (drawn) return parts(getComputedStyle(drawn).fill);
      for (let at = element; at !== null; at = at.parentElement) {
        const ground = parts(getComputedStyle(at).backgroundColor);
        if (ground.a === 1) return ground;
      }
      return parts(matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(18,18,18)' : 'rgb(255,255,255)');
    };
    const found = new Set();
    for (const element of document.querySelectorAll('p, li, td, th, h1, h2, h3, figcaption, svg text')) {
      const style = getComputedStyle(element);
      const [one, other] = [light(parts(element.ownerSVGElement ? style.fill : style.color)), light(groundOf(element))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (ratio < 4.5) found.add(element.tagName + ' ' + element.textContent.slice(0, 30) + ': ' + ratio.toFixed(2));
    }
    return [...found];
  })()`);
}

const SOURCE = dirname(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')));

/** The folder with the browser and what it needs, unpacked once per machine and user. */
async function unpackedBrowser(): Promise<string> {
  const store = await writableStore();
  const home = join(store, `browser-${await packageVersion()}`);
  if (await isThere(join(home, 'chromium'))) return home;
  const work = await mkdtemp(join(store, 'browser-new-'));
  try {
    await unpackInto(work);
    await writeFile(join(work, 'fonts.conf'), fontsConfig(home));
    // Several test files may have unpacked at the same time; the first to arrive is kept, whole.
    await rename(work, home).catch(async (error: unknown) => {
      if (!(await isThere(join(home, 'chromium')))) throw error;
    });
    return home;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * The package unpacks into the temporary directory, where another user's copy may lie, and adds its libraries on one
 * platform only. Both follow the environment, which is put back afterwards.
 */
async function unpackInto(directory: string): Promise<void> {
  const before = { TMPDIR: process.env.TMPDIR, AWS_LAMBDA_JS_RUNTIME: process.env.AWS_LAMBDA_JS_RUNTIME };
  process.env.TMPDIR = directory;
  process.env.AWS_LAMBDA_JS_RUNTIME = 'nodejs22.x';
  try {
    await chromiumPackage.executablePath();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
  await chmod(join(directory, 'chromium'), 0o755);
}

function fontsConfig(home: string): string {
  return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${home}/fonts</dir><cachedir>${home}/fonts-cache</cachedir></fontconfig>
`;
}

async function packageVersion(): Promise<string> {
  for (let folder = SOURCE; folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
    const version = /"version": *"([\d.]+)"/.exec(text)?.[1];
    if (version !== undefined) return version;
  }
  throw new Error('@sparticuz/chromium is not installed: run npm ci.');
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
