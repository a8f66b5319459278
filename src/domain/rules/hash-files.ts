import { createHash } from 'node:crypto';

/**
 * SHA-256 (hex) over the names and content of files, whatever their order or folder. Each part is preceded by its
 * length, so that no content can be mistaken for the next name.
 */
export function hashFiles(files: readonly { readonly path: string; readonly text: string }[]): string {
  const hash = createHash('sha256');
  const named = files.map(({ path, text }) => ({ name: path.split('/').at(-1) ?? path, text }));
  for (const { name, text } of named.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${Buffer.byteLength(name)}:${name}${Buffer.byteLength(text)}:${text}`);
  }
  return hash.digest('hex');
}
