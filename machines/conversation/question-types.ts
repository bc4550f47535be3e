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

/** A request of a server with its answer. */
export interface AnsweredRequest extends KeyedRequest {
  answer: ServerAnswer;
}

/** A task at an MCP server: the server works on the call and is asked for its state until the result is there. */
export interface TaskHandle {
  /** The server's own name of the task. */
  id: string;
  /** Time between two requests for its state that the server names, in ms. Null if it names none. */
  pollIntervalMs: number | null;
  /** Keys of its input requests that have a response. The server may still list them for a while. */
  answeredKeys: readonly string[];
}

/** What a call goes on with after its suspension. With a task, the call is not made again. */
export interface Resumption {
  /** The server's opaque state, returned unchanged. */
  requestState: string | null;
  answered: AnsweredRequest[];
  /** Number of questions over the whole call. A limit applies to it. */
  questions: number;
  /** Time that the call has run before each suspension, in ms. It counts towards the call's timeout. */
  workedMs: number;
  /** Null unless the server answered the call with a task. */
  task: TaskHandle | null;
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
