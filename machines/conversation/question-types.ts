/**
 * Declares the requests of an MCP server during a tool call, and their answers. Types only.
 */
import type { FormContent } from './client-events.ts';

/** A form to fill in, a page to visit, a request to the model (sampling), or the folders that the server may use (roots). */
export type ServerRequest =
  | { kind: 'form'; message: string; schema: Record<string, unknown> }
  | { kind: 'url'; message: string; url: string }
  | { kind: 'sampling'; request: Record<string, unknown> }
  | { kind: 'roots' };

/** `key`: the server's own name of the request, unique within the call. Empty if the server keeps the call open. */
export interface KeyedRequest {
  key: string;
  ask: ServerRequest;
}

/** `decline`: the person said no. `cancel`: the time ran out, or the call ended. */
export interface ServerAnswer {
  action: 'accept' | 'decline' | 'cancel';
  /** The values of a form. */
  content: FormContent | null;
}

export interface AnsweredRequest extends KeyedRequest {
  answer: ServerAnswer;
}

/** What a suspended call is made again with. */
export interface Resumption {
  /** The server's opaque state, returned unchanged. */
  requestState: string | null;
  answered: AnsweredRequest[];
  /** Number of questions over the whole call. A limit applies to it. */
  questions: number;
  /** Time that the call has run before each suspension, in ms. It counts towards the call's timeout. */
  workedMs: number;
}

/** A question that has no response yet, or whose response is being committed. */
export interface ServerQuestion extends KeyedRequest {
  interruptId: string;
  /** Deadline in ms since the epoch. */
  untilMs: number;
  /** Further questions, asked before the server receives any answer. */
  rest: KeyedRequest[];
  /** Null if the server keeps the call open: the question then ends with the call. */
  resume: Resumption | null;
  /** Set while the response is being committed. */
  answer: ServerAnswer | null;
}
