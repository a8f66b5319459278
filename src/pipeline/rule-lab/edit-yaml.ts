import { isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml';

/** Where a value stands in a document: keys and positions. */
export type YamlPlace = readonly (string | number)[];

/** One scalar of a document, and the text it is written as. */
export interface YamlScalar {
  readonly place: YamlPlace;
  readonly value: unknown;
  readonly text: string;
  /** Offsets of `text` in the document. */
  readonly start: number;
  readonly end: number;
}

/** Every scalar under a key of the document's root, in order of appearance; nothing for text that is not YAML. */
export function scalarsUnder(text: string, key: string): readonly YamlScalar[] {
  const document = parseDocument(text);
  if (document.errors.length > 0) return [];
  const scalars: YamlScalar[] = [];
  const walk = (node: unknown, place: YamlPlace): void => {
    if (isMap(node)) {
      for (const pair of node.items) {
        if (isPair(pair) && isScalar(pair.key)) walk(pair.value, [...place, String(pair.key.value)]);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...place, index]);
    } else if (isScalar(node) && node.range) {
      const [start, end] = node.range;
      scalars.push({ place, value: node.value, text: text.slice(start, end), start, end });
    }
  };
  walk(document.get(key, true), [key]);
  return scalars;
}

/** The document with one scalar written differently, and every other byte, comments included, as it was. */
export function replaceScalar(text: string, { start, end }: YamlScalar, written: string): string {
  return text.slice(0, start) + written + text.slice(end);
}
