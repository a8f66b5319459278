import type { CliContext } from '../context.ts';
import { jsonText } from './json.ts';

/** What a command has to say: one object for machines, or a text for people. */
export interface Answer {
  readonly json: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Prints an answer the way it was asked for. */
export function print(context: Pick<CliContext, 'output'>, isJson: boolean | undefined, answer: Answer): void {
  context.output.data(isJson === true ? jsonText(answer.json) : answer.text);
}
