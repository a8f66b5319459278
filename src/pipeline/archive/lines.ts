/** The lines of a byte stream, as many at a time as a chunk brings. A last line without its end is given, too. */
export async function* linesOf(content: AsyncIterable<Buffer>): AsyncGenerator<readonly string[], void, undefined> {
  let rest = '';
  for await (const chunk of content) {
    // Archive files are ASCII, so a chunk may be cut anywhere.
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines;
  }
  if (rest !== '') yield [rest];
}
