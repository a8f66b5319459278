import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOnly } from './code-only.ts';

/** A source file as the tidiness rules see it. */
export interface SourceFile {
  /** From the checkout's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked and strings emptied, same line numbers: what only looks like code is gone. */
  readonly code: string;
}

/** Wraps a text as a source file; for the rules' own tests. */
export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, code: codeOnly(text) };
}

const FOLDERS = ['src', 'jobs', 'test', 'bench', 'simulate'];

/** Every TypeScript file of the project, sorted by path. */
export function readSources(root: string): readonly SourceFile[] {
  const inFolders = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  const paths = [...inFolders, ...readdirSync(root)].filter((path) => path.endsWith('.ts')).sort();
  return paths.map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')));
}
