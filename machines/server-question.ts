/**
 * What an MCP server asks of people in the middle of a tool call, and the row that says so. Pure. Since 2026-07-28 a
 * server lays the call down until it is made again with the answer, so the question outlives us; before, it holds
 * the call open and waits.
 */
import type { FormContent } from './client-events.ts';
import type { CallAsks } from './conversation-events.ts';
import type { NewRow } from './log.ts';
import type { OpenCall } from './turn-terms.ts';
import { callFacts, metaRow } from './turn-rows.ts';

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

/** What a call that was laid down is made again with. */
export interface Resumption {
  /** The server's own, handed back as it came. */
  requestState: string | null;
  answered: AnsweredAsk[];
  /** Questions to people over the whole call, which bound it. */
  questions: number;
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

/** The row's kind: what a model is asked for is shown to people like a call that they approve. */
const KINDS = { form: 'elicitation_request', url: 'elicitation_request', sampling: 'sampling_request', roots: 'elicitation_request' } as const;

/** The first of what a server asks; null when it asks nothing. */
export function questionOf(call: OpenCall, { asks: [first, ...rest], resume, number, askedAtMs }: CallAsks, answerTimeoutMs: number): ServerQuestion | null {
  if (!first) return null;
  return { ...first, interruptId: interruptIdOf(call, number), untilMs: askedAtMs + answerTimeoutMs, rest, resume, answer: null };
}

/** The same after every fold of the log. */
export function interruptIdOf({ callId, attempt }: OpenCall, number: number): string {
  return `question_${callId}_${attempt}_${number}`;
}

/** The question. Its row's id is the interrupt's, by which the log finds it; all that the call needs to go on is in it. */
export function questionRow(requestId: string, call: OpenCall, question: ServerQuestion): NewRow {
  const { interruptId, untilMs, key, ask, rest, resume } = question;
  return {
    ...metaRow(requestId, {
      kind: KINDS[ask.kind],
      interrupt_id: interruptId,
      ...callFacts(call),
      expires_at: new Date(untilMs).toISOString(),
      key,
      ask,
      rest,
      ...(resume === null ? {} : { resume }),
    }),
    id: interruptId,
    tool_call_id: call.callId,
  };
}
