/** What a regular expression may follow; after anything else a slash divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|of|in|do|else))\s*$/;

/**
 * The text with comments blanked and the insides of strings, templates and regular expressions emptied; line breaks stay,
 * so that line numbers hold. A scanner of our own, because the compiler's API is not part of TypeScript 7's package.
 */
export function codeOnly(text: string): string {
  return scan(text, 0, false).code;
}

interface Scan {
  readonly code: string;
  readonly end: number;
}

/** Copies code from `start`; inside a template it ends at the brace that closes the placeholder. */
function scan(text: string, start: number, insideTemplate: boolean): Scan {
  let code = '';
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text.charAt(at);
    const end = opaqueEnd(text, at, code);
    if (end !== undefined) {
      code += blank(text.slice(at, end));
      at = end;
    } else if (char === '`') {
      const template = scanTemplate(text, at + 1);
      code += template.code;
      at = template.end;
    } else {
      if (char === '{') depth += 1;
      if (char === '}' && insideTemplate && depth === 0) return { code, end: at };
      if (char === '}') depth -= 1;
      code += char;
      at += 1;
    }
  }
  return { code, end: at };
}

/** The end of the comment, string or regular expression that begins here, or undefined when none does. */
function opaqueEnd(text: string, at: number, before: string): number | undefined {
  const char = text.charAt(at);
  const next = text.charAt(at + 1);
  if (char === '/' && next === '/') return endOr(text, text.indexOf('\n', at));
  if (char === '/' && next === '*') return endOr(text, text.indexOf('*/', at) + 2);
  if (char === "'" || char === '"') return closing(text, at + 1, char);
  if (char === '/' && BEFORE_REGEX.test(before)) return closing(text, at + 1, '/');
  return undefined;
}

function scanTemplate(text: string, start: number): Scan {
  let code = '`';
  let at = start;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '`') return { code: `${code}\``, end: at + 1 };
    if (char === '$' && text.charAt(at + 1) === '{') {
      const placeholder = scan(text, at + 2, true);
      code += `\${${placeholder.code}}`;
      at = placeholder.end + 1;
      continue;
    }
    const width = char === '\\' ? 2 : 1;
    code += text.slice(at, at + width).replaceAll(/[^\n]/g, '');
    at += width;
  }
  return { code, end: at };
}

/** Just after the next `end` that is neither escaped nor, in a regular expression, inside a character class. */
function closing(text: string, start: number, end: string): number {
  let inClass = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '\n') return at;
    else if (char === '[' && end === '/') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === end && !inClass) return at + 1;
  }
  return text.length;
}

function endOr(text: string, index: number): number {
  return index < 2 ? text.length : index;
}

/** Keeps the line breaks, and the quotes of a string so that it stays a value. */
function blank(opaque: string): string {
  const breaks = opaque.replaceAll(/[^\n]/g, '');
  const isComment = opaque.startsWith('//') || opaque.startsWith('/*');
  return isComment ? ` ${breaks}` : `''${breaks}`;
}
