// Whole escape sequences go first, so that their letters do not stay behind as text: CSI (colours, cursor), then OSC,
// DCS and the like up to their terminator, then any two-character one.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds.
const ESCAPE_SEQUENCES = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|\u001b[ -~]?/g;
// Controls (line breaks among them), and the characters that are invisible or turn the reading direction.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+/g;

/** Text that customers chose, as it may be shown in a terminal: no escape sequence, line break or direction change. */
export function plainText(text: string): string {
  return text.replace(ESCAPE_SEQUENCES, '').replace(CONTROLS, ' ').toWellFormed();
}
