/**
 * One conversation and all that it has to do with, as values: its chart, its calls, what the store holds of it and
 * what somebody outside has seen. What a move does to it is play.ts; here is what can be asked of it.
 */
import type { SnapshotFrom } from 'xstate';
import type { RespondEvent } from '../../machines/conversation/client-events.ts';
import type { ConversationLimits } from '../../machines/conversation/context.ts';
import type { conversationMachine } from '../../machines/conversation/machine.ts';
import type { LogRow } from '../../machines/log.ts';
import type { toolCallMachine } from '../../machines/tool-call.ts';
import type { HopTool } from '../../machines/conversation/turn-state.ts';
import { createMemoryLog, type LogIntent, type MemoryLog } from '../support/machines/log.ts';
import { limits, noBudgets } from '../support/machines/values.ts';
import { pathOf } from './chart-step.ts';
import type { Move } from './vocabulary.ts';

export type Conversation = SnapshotFrom<typeof conversationMachine>;
export type Call = SnapshotFrom<typeof toolCallMachine>;

/** What a server is configured with, as far as paths depend on it. */
export interface Terms {
  limits: ConversationLimits;
  tools: ReadonlyMap<string, HopTool>;
}

/** Of the server under proof: limits small enough to be reached, a tool with effects, one without, one that a person has to approve, and two that ask people. */
export const proofTerms: Terms = {
  limits: {
    ...limits,
    budgets: { ...noBudgets, turn: { tokens: 100_000, cost: null } },
    maxToolHops: 2,
    queueLength: 1,
    providers: ['scripted', 'spare'],
  },
  tools: new Map(
    ['book', 'look', 'pay', 'table', 'hall'].map((name) => [
      name,
      {
        name,
        server: name === 'hall' ? 'house' : 'desk',
        toolName: name,
        description: '',
        inputSchema: {},
        definition: '',
        harmless: name === 'look',
        permission: name === 'pay' ? 'ask' : 'always',
      },
    ]),
  ),
};

/** Of an answer after which the turn may use nothing more. */
export const DEAR_USAGE = { prompt_tokens: 60_000, completion_tokens: 40_000, total_tokens: 100_000 };

/** What the store has not finished: an append, or the end of the log. */
export interface Held {
  intent: LogIntent;
  /** Whose it is: an actor that has ended is not told. */
  life: number;
}

/** What somebody outside has seen since the process began. */
export interface Outside {
  /** Appends that the store was given, and removals of the log that it has finished. */
  appends: number;
  removals: number;
  /** Requests that the model got, and calls that reached a tool. */
  requests: number;
  calls: number;
}

export interface World {
  terms: Terms;
  conversation: Conversation | null;
  /** The last state that anybody was shown, a final one too; null where none was since the process began. */
  shown: string | null;
  life: number;
  calls: ReadonlyMap<string, Call>;
  /** Oldest first. */
  held: readonly Held[];
  /** What is on disk. */
  log: MemoryLog;
  process: 'serving' | 'draining' | 'gone';
  crashes: number;
  /** Somebody else has the permit to run a turn. */
  crowded: boolean;
  /** The conversation is gone for good. */
  deleted: boolean;
  /** The question to which somebody's second answer has been looked up in the log, and not gone on from there. */
  lookedUp: { question: OpenQuestion; requestId: string } | null;
  /** The model has begun to answer. */
  begun: boolean;
  outside: Outside;
  /** All moves on the way here, and how many of them the kindest of worlds would not have made. */
  path: readonly Move[];
  asides: number;
  /** Edges that the last move took, and those that it would have taken but for their guards. */
  taken: readonly string[];
  refused: readonly string[];
  /** Ids of the requests that the last move made the server answer. */
  answered: readonly string[];
}

/** Nothing has happened yet. */
export function startWith(terms: Terms): World {
  return { ...nothing, terms };
}

const nothing: World = {
  terms: proofTerms,
  conversation: null,
  shown: null,
  life: 0,
  calls: new Map(),
  held: [],
  log: createMemoryLog(),
  process: 'serving',
  crashes: 0,
  crowded: false,
  deleted: false,
  lookedUp: null,
  begun: false,
  outside: { appends: 0, removals: 0, requests: 0, calls: 0 },
  path: [],
  asides: 0,
  taken: [],
  refused: [],
  answered: [],
};

/** Where a proof begins. */
export const start = startWith(proofTerms);

/** The request id of what the move at that place of a path sends; chats have names of their own. */
export function requestIdOf(place: number): string {
  return `request ${place}`;
}

/** State of the conversation's chart; `asleep` without an actor. */
export function stateOf({ conversation }: World): string {
  return conversation === null ? 'asleep' : pathOf(conversation.value);
}

/** Turns without an end, as the log's table of turns has them. One that only waits for a person opens no conversation at a start. */
export function openTurns({ log }: Pick<World, 'log'>): { requestId: string; waits: boolean }[] {
  const open = new Map<string, boolean>();
  for (const { begin, end, waiting } of log.stored()) {
    if (begin) open.set(begin.requestId, false);
    if (waiting) open.set(waiting.requestId, waiting.untilMs !== null);
    if (end) open.delete(end.requestId);
  }
  return [...open].map(([requestId, waits]) => ({ requestId, waits }));
}

/** A read of the log that waits for its answer. */
export function isReading(world: World): boolean {
  const state = stateOf(world);
  // What an earlier actor has under way is waited for, before the log is read.
  return (
    state === 'turn.loadingContext' || (state === 'activating' && world.held.every(({ life }) => life === world.life))
  );
}

/** What people have been asked, by us or by a server, and of whose answer nothing is on disk. */
export interface OpenQuestion {
  interruptId: string;
  /** For a server, and no approval. */
  ofServer: boolean;
}

export function openQuestions(rows: readonly LogRow[]): OpenQuestion[] {
  const answered = rows.filter(({ extra }) => extra['kind'] === 'response').map(({ extra }) => extra['interrupt_id']);
  return rows.flatMap(({ extra: { kind, interrupt_id: interruptId } }) => {
    const isQuestion = kind === 'approval_request' || kind === 'elicitation_request';
    return isQuestion && !answered.includes(interruptId)
      ? [{ interruptId: String(interruptId), ofServer: kind === 'elicitation_request' }]
      : [];
  });
}

/** A yes or no in the words of the question. */
export function decisionOn({ ofServer }: OpenQuestion, decision: 'approve' | 'deny'): RespondEvent['decision'] {
  if (!ofServer) return decision;
  return decision === 'approve' ? 'answer' : 'decline';
}
