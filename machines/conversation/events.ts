/**
 * What a conversation actor hears and says: events from clients, from the log and from its children, and the
 * facts it emits. Types only.
 */
import type { Asker, CancelEvent, ChatEvent, ClientEvent, RespondEvent } from './client-events.ts';
import type { Answer, CallResult } from './hop-answers.ts';
import type { Fault, NewRow, TurnMetadata, TurnTotals } from '../log.ts';
import type { KeyedAsk, Resumption } from './question-types.ts';
import type { HopContext, RememberedDecision, Standing } from './turn-state.ts';
import type { DoneActorEvent } from 'xstate';

/** Why rows were appended; comes back with their commit. */
export type CommitTag =
  | { of: 'message'; chat: ChatEvent }
  | { of: 'withdrawal'; requestId: string; cancel: CancelEvent }
  | { of: 'recovery' }
  | { of: 'hop' }
  | { of: 'result'; callId: string }
  | { of: 'repeat'; callId: string }
  | { of: 'question'; callId: string }
  /** `by` is null where time, not a person, has decided. */
  | { of: 'response'; callIds: string[]; by: RespondEvent | null; remember: RememberedDecision | null }
  | { of: 'cancel' }
  | { of: 'end'; requestId: string }
  /** Not of rows, but of their end. */
  | { of: 'removal' };

/**
 * What became of an append that did not fail. `seq` is its first row's. `duplicate` and `reused`: the request
 * id is known already, with the same or another digest, and nothing was written.
 */
export type CommitOutcome =
  | { status: 'stored'; seq: number }
  | { status: 'duplicate'; ended: boolean }
  | { status: 'reused' };

/** A call's server asks people, one thing after the other. */
export interface CallNeedsInput {
  type: 'call.needsInput';
  callId: string;
  requests: KeyedAsk[];
  /** Null while the server holds the call open and waits; else it has laid it down. */
  resume: Resumption | null;
  /** The how-manieth question of the call the first one is, from 1. */
  number: number;
  /** In ms since the epoch: a chart holds no clock. */
  askedAtMs: number;
}

export type InternalEvent =
  | DoneActorEvent<Standing, 'log'>
  | DoneActorEvent<HopContext, 'context'>
  /** The turn may be at work; so many conversations stand before it. */
  | { type: 'permit.granted' }
  | { type: 'permit.awaited'; ahead: number }
  | { type: 'conversation.passivate' }
  | { type: 'conversation.drain' }
  | { type: 'conversation.halt' }
  /** What people have not answered by now is denied. */
  | { type: 'conversation.expire'; nowMs: number }
  /** A part beside the chart threw where it must not: what was emitted may not have happened. */
  | { type: 'conversation.fail' }
  | { type: 'log.committed'; tag: CommitTag; outcome: CommitOutcome }
  | { type: 'log.failed'; tag: CommitTag; fault: Fault }
  | { type: 'log.removed' }
  | { type: 'answer.finished'; answer: Answer }
  | {
      type: 'answer.failed';
      answer: Answer;
      fault: Fault;
      retryAfterMs: number | null;
      /** 0 to 1, drawn outside: a chart holds no randomness. */
      jitter: number;
    }
  | CallNeedsInput
  | { type: 'call.settled'; callId: string; result: CallResult };

export type ConversationEvent = ClientEvent | InternalEvent;

/** The end of a turn as its `turn_end` row and the `turns` table keep it. */
export type TurnEnd =
  | { status: 'complete'; metadata: TurnMetadata }
  | { status: 'error'; error: Fault; metadata: TurnTotals };

/** What a turn's followers are told beside its rows; delays in ms. */
export interface Notice {
  kind: 'started' | 'queued_for_turn' | 'context_truncated' | 'retrying';
  details: { position?: number; delay_ms?: number; provider?: string };
}

/** What is answered to those who asked for something else than a turn. */
export type Reply =
  | { cancelled: string[]; disposition: 'cancelled' | 'nothing_running' }
  | { accepted: true }
  | Record<string, never>;

/**
 * What the chart wants done: rows appended, clients told. Carried out beside it, in the order emitted. `append`
 * gets an answer, `log.committed` or `log.failed` with the same tag.
 */
export type ConversationEmitted =
  | {
      type: 'append';
      tag: CommitTag;
      rows: NewRow[];
      begin?: { requestId: string; digest: string };
      end?: { requestId: string; payload: TurnEnd };
      /** Until when the turn does nothing but wait for people, in ms since the epoch; null: it goes on. */
      waiting?: { requestId: string; untilMs: number | null };
      /** Kept for as long as the conversation is. */
      remember?: RememberedDecision;
    }
  /** The turn is no more at work, or not for now: another conversation's may be. */
  | { type: 'permit.returned' }
  /** The log goes, once all that was appended has landed; `log.removed` or `log.failed` answers. */
  | { type: 'remove' }
  /** The conversation is gone; its followers are told. */
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
  | { type: 'reply'; to: Asker; result: Reply }
  /** Nobody is asked that any more, or ever was: the log knows which. */
  | { type: 'respond.late'; to: Asker; interruptId: string }
  /** `chat`: refused for want of room or by its own wish; were it a repeat of a turn that has ended, it is that end it should get. */
  | { type: 'refuse'; to: Asker; fault: Fault; chat?: ChatEvent }
  | { type: 'failed'; fault: Fault };
