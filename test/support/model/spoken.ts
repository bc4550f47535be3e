/** Defines what a further API of the scripted model offers: its requests as chat completions, its replies as its own events. */
import type { RequestBody } from './history.ts';
import type { Part } from './replies.ts';

/** A request in the form of chat completions. */
export type Spoken = RequestBody;

/** Writes one answer of a script in the form of an API. Pauses, gates and cuts stay where they were. */
export interface AnswerWriter {
  /** Before all other parts. */
  head: readonly Part[];
  write(part: Part): readonly Part[];
}

export interface Dialect {
  path: string;
  /** The request as chat completions, and each rule of the API that it breaks. Null if it is malformed. */
  read(body: unknown): { body: Spoken | null; violations: string[] };
  /** Begins an answer. Its parts are written one after the other. */
  answer(model: string): AnswerWriter;
}
