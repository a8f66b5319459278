import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A Markdown page of the project as its tests see it. */
export interface Page {
  /** From the checkout's root. */
  readonly path: string;
  readonly text: string;
  /** Code spans, and the lines of code blocks. */
  readonly code: readonly string[];
  /** Link targets, addresses on the web left out. */
  readonly links: readonly string[];
  /** Anchors of the headings, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
}

/** The pages at the root and below `docs/`. */
export function readPages(root: string): readonly Page[] {
  const atRoot = readdirSync(root).filter((name) => name.endsWith('.md'));
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`);
  const paths = [...atRoot, ...below, 'fixtures/README.md'].filter((path) => path.endsWith('.md')).sort();
  return paths.map((path) => page(path, readFileSync(join(root, path), 'utf8')));
}

function page(path: string, text: string): Page {
  const blocks: string[] = [];
  const prose = text.replaceAll(/^```[^\n]*\n(.*?)^```$/gms, (_block, body: string) => {
    blocks.push(...body.split('\n'));
    return '';
  });
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll(/\s+/g, ' '));
  const plain = prose.replaceAll(/`[^`]+`/g, '');
  const links = [...plain.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return {
    path,
    text,
    code: [...spans, ...blocks],
    links: links.filter((target) => !/^[a-z]+:/.test(target)),
    anchors: new Set([...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))),
  };
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Words of a command line; quoted ones are one word, and what follows a pipe or a comment is left out. */
export function wordsOf(line: string): readonly string[] {
  const command = line.replace(/\s(?:#|\||&&|>)\s.*$/, '');
  return [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}
