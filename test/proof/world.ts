/**
 * Describes a *world*: one conversation as values, with its chart, its calls, the content of its store and what an
 * observer outside has seen. The function in apply-move.ts changes worlds; this file answers questions about them.
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
import type { Move } from './moves.ts';

export type Conversation = SnapshotFrom<typeof conversationMachine>;
export type Call = SnapshotFrom<typeof toolCallMachine>;

/** Configuration of a server, as far as paths depend on it. */
export interface Settings {
  limits: ConversationLimits;
  tools: ReadonlyMap<string, HopTool>;
}

/** Servers of tools that the desk does not offer. */
const SERVERS: Readonly<Record<string, string>> = { hall: 'house', brew: 'works' };

/**
 * Settings of the server under test. The limits are small enough to be reached. One tool has effects, one is read-only,
 * one needs approval, two ask people, and
 * one can run as a task.
 */
export const proofSettings: Settings = {
  limits: {
    ...limits,
    budgets: { ...noBudgets, turn: { tokens: 100_000, cost: null } },
    maxToolHops: 2,
    queueLength: 1,
    providers: ['scripted', 'spare'],
  },
  tools: new Map(
    ['book', 'look', 'pay', 'table', 'hall', 'brew'].map((name) => [
      name,
      {
        name,
        server: SERVERS[name] ?? 'desk',
        toolName: name,
        description: '',
        inputSchema: {},
        definition: '',
        idempotent: name === 'look',
        permission: name === 'pay' ? 'ask' : 'always',
        timeoutMs: null,
      },
    ]),
  ),
};

/** Usage of an answer that uses up the budget of the turn. */
export const EXPENSIVE_USAGE = { prompt_tokens: 60_000, completion_tokens: 40_000, total_tokens: 100_000 };

/** An operation that the store has not finished: an append, or the removal of the log. */
export interface Held {
  intent: LogIntent;
  /** Number of the actor that started it. An actor that has ended is not notified. */
  activation: number;
}

/** What an observer outside has seen since the process started. */
export interface Outside {
  /** Appends that the store received, and removals that it finished. */
  appends: number;
  removals: number;
  /** Requests that the model received, and calls that reached a tool. */
  requests: number;
  calls: number;
}

export interface World {
  settings: Settings;
  conversation: Conversation | null;
  /** The last state that followers received, a final one too; null if none since the process started. */
  shown: string | null;
  activation: number;
  calls: ReadonlyMap<string, Call>;
  /** Oldest first. */
  held: readonly Held[];
  /** Rows on disk. */
  log: MemoryLog;
  process: 'serving' | 'draining' | 'gone';
  crashes: number;
  /** The other conversation has the permit to run a turn. */
  permitTaken: boolean;
  /** The conversation is deleted. */
  deleted: boolean;
  /** The question for which a second answer was looked up in the log and is held. */
  lookedUp: { question: OpenQuestion; requestId: string } | null;
  /** The model has begun to answer. */
  begun: boolean;
  outside: Outside;
  /** All moves that led here, and how many of them were not benign (possible-moves.ts). */
  path: readonly Move[];
  deviations: number;
  /** Edges that the last move took, and edges that only their guards prevented. */
  taken: readonly string[];
  refused: readonly string[];
  /** Request ids that the last move made the server answer. */
  answered: readonly string[];
}

/** Returns a world in which nothing has happened yet. */
export function startWith(settings: Settings): World {
  return { ...nothing, settings };
}

const nothing: World = {
  settings: proofSettings,
  conversation: null,
  shown: null,
  activation: 0,
  calls: new Map(),
  held: [],
  log: createMemoryLog(),
  process: 'serving',
  crashes: 0,
  permitTaken: false,
  deleted: false,
  lookedUp: null,
  begun: false,
  outside: { appends: 0, removals: 0, requests: 0, calls: 0 },
  path: [],
  deviations: 0,
  taken: [],
  refused: [],
  answered: [],
};

/** World in which a proof begins. */
export const start = startWith(proofSettings);

/** Request id of the move at that place of a path. Chats have their own ids. */
export function requestIdOf(place: number): string {
  return `request ${place}`;
}

/** State of the conversation's chart; `asleep` without an actor. */
export function stateOf({ conversation }: World): string {
  return conversation === null ? 'asleep' : pathOf(conversation.value);
}

/**
 * Turns without an end, as in the log's table of turns. A turn that only waits for a person does not open its
 * conversation at a start.
 */
export function openTurns({ log }: Pick<World, 'log'>): { requestId: string; waits: boolean }[] {
  const open = new Map<string, boolean>();
  for (const { begin, end, waiting } of log.stored()) {
    if (begin) open.set(begin.requestId, false);
    if (waiting) open.set(waiting.requestId, waiting.untilMs !== null);
    if (end) open.delete(end.requestId);
  }
  return [...open].map(([requestId, waits]) => ({ requestId, waits }));
}

/** Whether a read of the log waits for its answer. */
export function isReading(world: World): boolean {
  const state = stateOf(world);
  // The log is read after the pending operations of an earlier actor.
  return (
    state === 'turn.loadingContext' ||
    (state === 'activating' && world.held.every(({ activation }) => activation === world.activation))
  );
}

/** A question to people, by Parley or by a server, without an answer on disk. */
export interface OpenQuestion {
  interruptId: string;
  /** True for a question of a server, false for an approval. */
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

/** Translates a yes or no into a decision that fits the question. */
export function decisionOn({ ofServer }: OpenQuestion, decision: 'approve' | 'deny'): RespondEvent['decision'] {
  if (!ofServer) return decision;
  return decision === 'approve' ? 'answer' : 'decline';
}
