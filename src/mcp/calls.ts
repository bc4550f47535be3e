/**
 * A call of a tool as conversations and the toolbox speak of it: what is called, what the caller gives along and hears
 * meanwhile, and how it ends. Types only.
 */
import type { KeyedAsk, Resumption } from '../../machines/conversation/question-types.ts';
import type { HopTool } from '../../machines/conversation/turn-state.ts';
import type { FairKey } from '../scheduling/fair-queue.ts';
import type { Asker } from './server-requests/live-asks.ts';
import type { LogEntry } from './content/server-log.ts';

/** As it was offered; an empty definition where that is not known. */
export type CalledTool = Pick<HopTool, 'server' | 'toolName' | 'definition'>;

/**
 * How a call ended. What matters is whether it may have taken effect: after `not_sent` it has not, after
 * `lost` and `cancelled` nobody knows. A tool's own failure is `error`.
 */
export type CallEnd =
  /** `text` for the model; `content` is the whole, for the log. */
  | { status: 'ok' | 'error'; text: string; content: unknown }
  | { status: 'cancelled' }
  /** The server has laid the call down until people have answered; to go on, it is called again with `resume`. */
  | { status: 'laid_down'; asks: KeyedAsk[]; resume: Resumption }
  /** The server never saw the call: no connection within its time, or one that was refused. */
  | { status: 'not_sent'; text: string }
  /** Dispatched, then the transport was lost: the outcome is unknown. */
  | { status: 'lost'; text: string };

export interface CallOptions {
  /** Aborting it cancels the call at the server and ends it here. */
  signal: AbortSignal;
  /** Whose call it is, where calls have to wait: owner, conversation, call. */
  place: FairKey;
  /** Bounds the wait for a connection; once sent, the call is the caller's to time out through `signal`. */
  timeoutMs: number;
  onProgress(progress: Progress): void;
  /** What the server says while this is the only call that it is at work on. */
  onLog(entry: LogEntry): void;
  /** What a server that had laid the call down goes on with; null the first time. */
  resume: Resumption | null;
  /** A server that waits asks a person; null when this call has asked often enough. */
  ask: Asker;
}

/** How far a call is, by its server's measure and in its words. */
export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}
