/** Defines what a further API of the scripted model offers: its requests as chat completions, its replies as its own events. */
import type { RequestBody } from './history.ts';
import type { Reply } from './replies.ts';

/** A request in the form of chat completions. */
export type Spoken = RequestBody;

export interface Dialect {
  path: string;
  /** The request as chat completions, and each rule of the API that it breaks. Null if it is malformed. */
  read(body: unknown): { body: Spoken | null; violations: string[] };
  /** The reply of a script in the form of this API. */
  write(reply: Reply, model: string): Reply;
}
