/**
 * Declares the events of a conversation actor (from clients, the log and its children) and the effects it emits.
 * Types only.
 */
import type { Requester, CancelEvent, ChatEvent, ClientEvent, RespondEvent } from './client-events.ts';
import type { ModelAnswer, CallResult } from './hop-answers.ts';
import type { Fault, NewRow, TurnMetadata, TurnTotals } from '../log.ts';
import type { KeyedRequest, Resumption, TaskHandle } from './question-types.ts';
import type { HopContext, RememberedDecision, RecoveredState } from './turn-state.ts';
import type { DoneActorEvent } from 'xstate';

/** The reason of an append. Its commit returns the same tag. */
export type CommitTag =
  | { of: 'message'; chat: ChatEvent }
  | { of: 'withdrawal'; requestId: string; cancel: CancelEvent }
  | { of: 'recovery' }
  | { of: 'hop' }
  /** An answer without text and tool calls, after which the model is asked again. */
  | { of: 'emptyAnswer' }
  | { of: 'result'; callId: string }
  | { of: 'repeat'; callId: string }
  | { of: 'question'; callId: string }
  /** The handle of a task that the server of the call runs. */
  | { of: 'task'; callId: string }
  /** `by` is null for an expiry. */
  | { of: 'response'; callIds: string[]; by: RespondEvent | null; remember: RememberedDecision | null }
  | { of: 'cancel' }
  | { of: 'end'; requestId: string }
  /** The removal of the whole log. */
  | { of: 'removal' };

/**
 * The outcome of an append that did not fail. `seq` is that of its first row. `duplicate` and `reused`: the request id
 * is known already, with the same or another digest, and nothing was written.
 */
export type CommitOutcome =
  | { status: 'stored'; seq: number }
  | { status: 'duplicate'; ended: boolean }
  | { status: 'reused' };

/** The server of a call asks people, one question after the other. */
export interface CallNeedsInput {
  type: 'call.needsInput';
  callId: string;
  requests: KeyedRequest[];
  /** Null if the server keeps the call open while it waits. Otherwise the call is suspended. */
  resume: Resumption | null;
  /** Number of the first question within the call, from 1. */
  number: number;
  /** In ms since the epoch. A chart reads no clock. */
  askedAtMs: number;
}

/** The server of a call has answered with a task. The call waits for it once the handle is in the log. */
export interface CallBecameTask {
  type: 'call.becameTask';
  callId: string;
  task: TaskHandle;
  /** Time that the call has run so far. */
  workedMs: number;
}

/** Events of the log, of child actors, of timers and of the registry. */
export type InternalEvent =
  | DoneActorEvent<RecoveredState, 'log'>
  | DoneActorEvent<HopContext, 'context'>
  /** The turn may run. `ahead`: number of conversations that wait before it. */
  | { type: 'permit.granted' }
  | { type: 'permit.awaited'; ahead: number }
  /** The turn has worked for its longest time. The chart sends it to itself. */
  | { type: 'turn.overdue' }
  | { type: 'conversation.passivate' }
  | { type: 'conversation.drain' }
  | { type: 'conversation.halt' }
  /** Denies the open interrupts whose time is up. */
  | { type: 'conversation.expire'; nowMs: number }
  /** Code beside the chart threw. The last emitted effects may not have happened. */
  | { type: 'conversation.fail' }
  | { type: 'log.committed'; tag: CommitTag; outcome: CommitOutcome }
  | { type: 'log.failed'; tag: CommitTag; fault: Fault }
  | { type: 'log.removed' }
  | { type: 'answer.finished'; answer: ModelAnswer }
  | {
      type: 'answer.failed';
      answer: ModelAnswer;
      fault: Fault;
      retryAfterMs: number | null;
      /** 0 to 1, drawn outside. A chart draws no random numbers. */
      jitter: number;
    }
  | CallNeedsInput
  | CallBecameTask
  | { type: 'call.settled'; callId: string; result: CallResult };

/** Every event of the chart. */
export type ConversationEvent = ClientEvent | InternalEvent;

/** The end of a turn as its `turn_end` row and the `turns` table keep it. */
export type TurnEnd =
  | { status: 'complete'; metadata: TurnMetadata }
  | { status: 'error'; error: Fault; metadata: TurnTotals };

/** A notice to a turn's followers, beside its rows. Delays are in ms. */
export interface Notice {
  kind: 'started' | 'queued_for_turn' | 'context_truncated' | 'tools_left_out' | 'retrying';
  details: { position?: number; delay_ms?: number; provider?: string };
}

/** The result of a request that starts no turn. */
export type Reply =
  | { cancelled: string[]; disposition: 'cancelled' | 'nothing_running' }
  | { accepted: true }
  | Record<string, never>;

/**
 * The effects of the chart: rows to append, frames to send. The server runs them in the order emitted. Each `append`
 * is answered by `log.committed` or `log.failed` with the same tag.
 */
export type ConversationEmitted =
  | {
      type: 'append';
      tag: CommitTag;
      rows: NewRow[];
      begin?: { requestId: string; digest: string };
      end?: { requestId: string; payload: TurnEnd };
      /** Deadline in ms since the epoch of a turn that only waits for people. Null: it has other work. */
      waiting?: { requestId: string; untilMs: number | null };
      /** Kept as long as the conversation. */
      remember?: RememberedDecision;
    }
  /** The turn gives its permit back: it ended, or it only waits for people. */
  | { type: 'permit.returned' }
  /** The result of a task is of no use any more. Its server is asked to cancel it. */
  | { type: 'task.abandoned'; server: string; taskId: string }
  /** Removes the log once all earlier appends are committed. Answered by `log.removed` or `log.failed`. */
  | { type: 'remove' }
  /** The conversation is deleted. Its followers are notified. */
  | { type: 'deleted' }
  | {
      type: 'turn.accepted';
      chat: ChatEvent;
      seq: number;
      disposition: 'started' | 'queued';
      position: number;
    }
  | { type: 'turn.attached'; chat: ChatEvent; ended: boolean }
  | ({ type: 'notice'; requestId: string; data: string } & Notice)
  | { type: 'reply'; to: Requester; result: Reply }
  /** The interrupt is not open. The log says whether it was decided or never existed. */
  | { type: 'respond.late'; to: Requester; interruptId: string }
  /** `chat` is set when a chat was rejected (queue full, or `mode: reject`). If its request id belongs to a finished turn, that turn's result is sent instead. */
  | { type: 'refuse'; to: Requester; fault: Fault; chat?: ChatEvent }
  | { type: 'failed'; fault: Fault };
