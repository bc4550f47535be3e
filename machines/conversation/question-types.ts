/**
 * What an MCP server may ask of people in the middle of a tool call, and what it is answered with. Types only.
 */
import type { FormContent } from './client-events.ts';

/** A form to fill in, a page to visit, a request to make of the model, or the folders that a server may use. */
export type ServerAsk =
  | { kind: 'form'; message: string; schema: Record<string, unknown> }
  | { kind: 'url'; message: string; url: string }
  | { kind: 'sampling'; request: Record<string, unknown> }
  | { kind: 'roots' };

/** `key`: the server's own name for it, unique within the call; empty where it waits. */
export interface KeyedAsk {
  key: string;
  ask: ServerAsk;
}

/** `decline`: the person said no. `cancel`: nobody said anything. */
export interface ServerAnswer {
  action: 'accept' | 'decline' | 'cancel';
  /** Of a form. */
  content: FormContent | null;
}

export interface AnsweredAsk extends KeyedAsk {
  answer: ServerAnswer;
}

/** What a suspended call is made again with. */
export interface Resumption {
  /** The server's own, handed back as it came. */
  requestState: string | null;
  answered: AnsweredAsk[];
  /** Questions to people over the whole call, which bound it. */
  questions: number;
  /** How long it was at work in all before it was suspended: time that it does not get again. */
  workedMs: number;
}

/** A question that a person has not answered, or whose answer is on its way to the log. */
export interface ServerQuestion extends KeyedAsk {
  interruptId: string;
  /** In ms since the epoch. */
  untilMs: number;
  /** Asked after it, before the server hears of any answer. */
  rest: KeyedAsk[];
  /** Null for a server that waits: its question is over when its call is. */
  resume: Resumption | null;
  /** Set while it is on its way to the log. */
  answer: ServerAnswer | null;
}
