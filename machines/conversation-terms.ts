/**
 * What a conversation actor hears, says and remembers. Types only; the chart is in conversation.ts.
 * Everything here is plain data: events are built field by field from validated requests, so a
 * client can never smuggle one of XState's own events in.
 */
import type { DoneActorEvent } from 'xstate';
import type { Fault, NewRow, ToolCallRequest, ToolStatus, TurnMetadata, Usage } from './log.ts';
import type { ModelMessage } from './context-window.ts';

/** A client's request that wants an answer: which socket asked, under which id. */
export interface Asker {
  session: string;
  requestId: string;
}

/** How the sender of a chat wants to follow its turn. */
export interface FollowOptions {
  /** False: no live chunks, the committed rows instead. */
  streaming: boolean;
  cursor: Cursor | null;
}

/** Where a client stands in a conversation's log and in the message under construction (UTF-16 units). */
export interface Cursor {
  after_seq: number;
  message_id?: string | undefined;
  offset?: number | undefined;
  reasoning_offset?: number | undefined;
}

/**
 * A message that asks for a turn. `mode` says what if one runs already: wait behind it, be refused, or stop
 * it and go first. Until its row is committed the client is promised nothing.
 */
export interface ChatEvent {
  type: 'client.chat';
  session: string;
  requestId: string;
  text: string;
  /** Fingerprint of what was asked: the same request id with another digest is refused. */
  digest: string;
  mode: 'queue' | 'reject' | 'interrupt';
  follow: FollowOptions;
  metadata: Record<string, unknown> | null;
}

export interface CancelEvent {
  type: 'client.cancel';
  /** Null when an interrupting chat, not a client's Stop, ends the turn. */
  by: Asker | null;
  /** Request id of the turn that is meant; null for the running one. */
  target: string | null;
}

/** `interrupted`: by a chat that goes before it. */
export type StopReason = 'cancelled' | 'interrupted';

export type ClientEvent = ChatEvent | CancelEvent;

/** Why rows were appended; comes back with their commit. */
export type CommitTag =
  | { of: 'message'; chat: ChatEvent }
  | { of: 'withdrawal'; requestId: string; cancel: CancelEvent }
  | { of: 'recovery' }
  | { of: 'hop' }
  | { of: 'result'; callId: string }
  | { of: 'repeat'; callId: string }
  | { of: 'cancel' }
  | { of: 'end'; requestId: string };

/**
 * What became of an append that did not fail. `seq` is its first row's. `duplicate` and `reused`: the request
 * id is known already, with the same or another digest, and nothing was written.
 */
export type CommitOutcome =
  | { status: 'stored'; seq: number }
  | { status: 'duplicate'; ended: boolean }
  | { status: 'reused' };

/** One tool call as the model asked for it. */
export interface AskedCall {
  callId: string;
  name: string;
  /** The arguments as the model wrote them. */
  text: string;
  /** Null when the text is not a JSON object. */
  arguments: Record<string, unknown> | null;
}

/** A model's answer, whole or as far as it got. */
export interface Answer {
  messageId: string;
  text: string;
  reasoning: string;
  calls: AskedCall[];
  finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'cancelled' | 'failed';
  usage: Usage | null;
  model: string | null;
}

export type InternalEvent =
  | DoneActorEvent<Standing, 'log'>
  | DoneActorEvent<HopContext, 'context'>
  | { type: 'conversation.passivate' }
  | { type: 'conversation.drain' }
  | { type: 'conversation.halt' }
  /** A part beside the chart threw where it must not: what was emitted may not have happened. */
  | { type: 'conversation.fail' }
  | { type: 'log.committed'; tag: CommitTag; outcome: CommitOutcome }
  | { type: 'log.failed'; tag: CommitTag; fault: Fault }
  | { type: 'answer.finished'; answer: Answer }
  | {
      type: 'answer.failed';
      answer: Answer;
      fault: Fault;
      retryAfterMs: number | null;
      /** 0 to 1, drawn outside: a chart holds no randomness. */
      jitter: number;
    }
  | { type: 'call.settled'; callId: string; result: CallResult };

export type ConversationEvent = ClientEvent | InternalEvent;

export interface CallResult {
  status: ToolStatus;
  /** For the model and the user. */
  text: string;
  /** The whole result as the server gave it, for the log; null where text is all. */
  content: unknown;
  durationMs: number;
}

/** A tool as a hop knows it: the catalogue is pinned when the hop's context is loaded. */
export interface HopTool {
  /** As offered to the model: provider-safe and unique. */
  name: string;
  server: string;
  /** The server's own name for it. */
  toolName: string;
  description: string;
  /** JSON Schema of its arguments. */
  inputSchema: Record<string, unknown>;
  /** A repeat changes nothing, says its server or the configuration. */
  harmless: boolean;
}

/** What one hop sends to the model. */
export interface HopContext {
  messages: ModelMessage[];
  tools: ReadonlyMap<string, HopTool>;
  /** Messages that were cut to fit the window. */
  cut: number;
}

/**
 * A dispatched call on its way: running in its actor, settled there, recorded once its result is committed;
 * repeating while the dispatch of its one repeat is being committed.
 */
export interface OpenCall {
  callId: string;
  tool: HopTool;
  arguments: Record<string, unknown>;
  /** 1, or 2 for the one repeat of a harmless call. */
  attempt: number;
  stage: 'waiting' | 'running' | 'repeating' | 'settled' | 'recorded';
}

/** A turn whose message is committed and that waits to run; `hops` and `usage` are not zero when it goes on after a restart. */
export interface QueuedTurn {
  requestId: string;
  hops: number;
  usage: Usage | null;
  /** True once its sender was told `queued`: its start is then announced. */
  announced: boolean;
}

/**
 * The turn at work, from its start until its end is committed. Whatever of it must survive a crash is in
 * the log's rows; this is the part that may be lost.
 */
export interface RunningTurn {
  requestId: string;
  hops: number;
  /** Sum over the hops so far. */
  usage: Usage | null;
  model: string | null;
  /** Index into `limits.providers`, and tries at that provider for this hop. */
  provider: number;
  attempt: number;
  /** Time spent backing off in this hop, and the next wait. */
  waitedMs: number;
  backoffMs: number;
  context: HopContext | null;
  /** True while an `answer` actor is at work. */
  asking: boolean;
  answer: Answer | null;
  calls: OpenCall[];
  fault: Fault | null;
  /** Set once a Stop or an interrupting chat has ended the turn. */
  stop: { reason: StopReason; askers: Asker[]; committed: boolean } | null;
}

/** What bounds one conversation, the same for all of them. Set at boot and fixed for an actor's life. */
export interface ConversationLimits {
  maxToolHops: number;
  toolConcurrency: number;
  toolTimeoutMs: number;
  /** Turns waiting behind the running one. */
  queueLength: number;
  /** Tries at one provider for one hop, and the time all waiting between them may take. */
  attempts: number;
  retryBudgetMs: number;
  /** Names, the preferred first. */
  providers: readonly string[];
  recovery: RecoveryPolicy;
}

export interface ConversationInput {
  conversationId: string;
  owner: string;
  limits: ConversationLimits;
}

/** What waits at the door of `idle`: a turn, or the order to stop. */
export type Next = { kind: 'turn'; turn: QueuedTurn } | { kind: 'stop' };

/**
 * What a conversation remembers between events. None of it is durable: an actor that is opened anew
 * rebuilds it from the log.
 */
export interface ConversationContext extends ConversationInput {
  /** Client events that arrived while the chart could not answer them; bounded by `queueLength`. */
  deferred: ClientEvent[];
  /** Messages and withdrawals whose commit is under way; answered with it. */
  arriving: ClientEvent[];
  queue: Next[];
  turn: RunningTurn | null;
  /** The turn that a restart or a crash cut off, until its recovery rows are committed. */
  interrupted: InterruptedTurn | null;
  /** Turns whose Stop was committed, and not their end, when the log was last read. */
  stopped: StoppedTurn[];
}

/** A turn that was stopped before it did anything: all it lacks is its end. */
export interface StoppedTurn {
  requestId: string;
  reason: StopReason;
}

/** Where the log says that a begun turn stands. */
export interface InterruptedTurn {
  requestId: string;
  hops: number;
  usage: Usage | null;
  model: string | null;
  recoveries: number;
  /** False while its message is all there is: it may have waited, or have been asking the model. */
  begun: boolean;
  /** Since its message was committed. */
  ageMs: number;
  stop: StopReason | null;
  /** Calls the model asked for that have no result. */
  open: InterruptedCall[];
}

export interface InterruptedCall {
  request: ToolCallRequest;
  /** Its newest dispatch; null if it was never made. */
  dispatch: { tool: HopTool; arguments: Record<string, unknown>; attempt: number } | null;
}

/** What becomes of a turn that a restart or a crash cut off. */
export interface RecoveryPolicy {
  /** `interrupt` ends it as failed. */
  mode: 'resume' | 'interrupt';
  /** How often a turn may be taken up again: the restart may be its own doing. */
  attempts: number;
  /** Nobody waits for the answer to an older message. */
  maxAgeMs: number;
}

/** The fold of a log at activation. */
export interface Standing {
  interrupted: InterruptedTurn | null;
  stopped: StoppedTurn[];
  queue: QueuedTurn[];
}

/**
 * What the chart wants done: rows appended, clients told. Carried out beside it, in the order emitted; only
 * `append` gets an answer, `log.committed` or `log.failed` with the same tag.
 */
export type ConversationEmitted =
  | {
      type: 'append';
      tag: CommitTag;
      rows: NewRow[];
      begin?: { requestId: string; digest: string };
      end?: { requestId: string; payload: TurnEnd };
    }
  | {
      type: 'turn.accepted';
      chat: ChatEvent;
      seq: number;
      disposition: 'started' | 'queued';
      position: number;
    }
  | { type: 'turn.attached'; chat: ChatEvent; ended: boolean }
  | { type: 'notice'; requestId: string; kind: string; data: string; details: Record<string, unknown> }
  | { type: 'reply'; to: Asker; result: Record<string, unknown> }
  /** `chat`: refused for want of room or by its own wish; were it a repeat of a turn that has ended, it is that end it should get. */
  | { type: 'refuse'; to: Asker; fault: Fault; chat?: ChatEvent }
  | { type: 'failed'; fault: Fault };

/** The end of a turn as its `turn_end` row and the `turns` table keep it. */
export type TurnEnd =
  | { status: 'complete'; metadata: TurnMetadata }
  | { status: 'error'; error: Fault };

