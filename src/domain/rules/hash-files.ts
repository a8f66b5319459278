import { createHash } from 'node:crypto';

/**
 * SHA-256 (hex) over the names and content of files, whatever their order or folder (`lists/` is part of a list's name).
 * Each part is preceded by its length, so that no content can be mistaken for the next name.
 */
export function hashFiles(files: readonly { readonly path: string; readonly text: string }[]): string {
  const hash = createHash('sha256');
  const named = files.map(({ path, text }) => ({ name: ruleFileName(path), text }));
  for (const { name, text } of named.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${Buffer.byteLength(name)}:${name}${Buffer.byteLength(text)}:${text}`);
  }
  return hash.digest('hex');
}

/** What a file of a ruleset is called: `slow-drain.yaml`, or `lists/trusted.yaml` for a list. */
export function ruleFileName(path: string): string {
  const steps = path.split('/');
  const name = steps.at(-1) ?? path;
  return steps.at(-2) === 'lists' ? `lists/${name}` : name;
}
