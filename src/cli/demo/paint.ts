/** Colours of the demo; each returns the text unchanged when colour is off. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** The sixteen basic colours, which every terminal theme makes readable. */
export function createPaint(color: boolean): Paint {
  const sgr = (code: number) => (text: string) => (color && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: sgr(1), dim: sgr(2), red: sgr(31), green: sgr(32), yellow: sgr(33), cyan: sgr(36) };
}

/** How a section is written: its width in columns, and colours that may be off. */
export interface Page {
  readonly columns: number;
  readonly paint: Paint;
}
