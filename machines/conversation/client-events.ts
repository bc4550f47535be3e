/**
 * Declares the requests of clients to a conversation. Plain data, built field by field from validated requests, so
 * that a client cannot inject one of XState's own events.
 */
import type { Included } from '../context-window/included.ts';
import type { ToolChoice } from './decisions/tool-choice.ts';

/** The values of a filled form. MCP allows no other value types. */
export type FormContent = Record<string, string | number | boolean | string[]>;

/** The sender of a request that expects an answer: the socket and the request id. */
export interface Requester {
  session: string;
  requestId: string;
}

/** The position of a client in a conversation's log and in the unfinished message (in UTF-16 units). */
export interface Cursor {
  after_seq: number;
  message_id?: string | undefined;
  offset?: number | undefined;
  reasoning_offset?: number | undefined;
}

/** How the sender of a chat follows its turn. */
export interface FollowOptions {
  /** False: committed rows instead of live chunks. */
  streaming: boolean;
  cursor: Cursor | null;
}

/** What a chat does while another turn runs: wait behind it, be rejected, or stop it and go first. */
export const chatModes = ['queue', 'reject', 'interrupt'] as const;

/** What a person may decide about a call that needs approval. */
export const approvalDecisions = ['approve', 'deny'] as const;

/** What a person may decide about the question of an MCP server. */
export const questionDecisions = ['answer', 'decline', 'cancel'] as const;

/**
 * A message that asks for a turn. `mode` decides what happens if a turn runs already: wait behind it, be rejected, or
 * cancel it and run next. Until its row is committed the client is promised nothing.
 */
export interface ChatEvent {
  type: 'client.chat';
  session: string;
  requestId: string;
  text: string;
  /** Prompts and resources of MCP servers that the model reads before the text. */
  included: Included[];
  /** Hash of the request. The same request id with another digest is rejected. */
  digest: string;
  mode: (typeof chatModes)[number];
  follow: FollowOptions;
  metadata: Record<string, unknown> | null;
  /** The tools that the turn may use, among those that are offered. Null: all. */
  tools: ToolChoice | null;
  /** The model to ask. Null: the provider's default. */
  model: string | null;
  /** The seq of the user message that this one replaces: the model sees only what came before it. Null: continue from the newest. */
  rewindTo: number | null;
}

/** Ends the running turn or a queued one. */
export interface CancelEvent {
  type: 'client.cancel';
  /** Null if an interrupting chat, not a client's cancel, ends the turn. */
  by: Requester | null;
  /** Request id of the turn to cancel. Null: the running one. */
  target: string | null;
}

/** A person's response to an interrupt. The first one counts. */
export interface RespondEvent {
  type: 'client.respond';
  by: Requester;
  interruptId: string;
  decision: (typeof approvalDecisions)[number] | (typeof questionDecisions)[number];
  /** The filled form, already validated against its schema. Null if there is none. */
  content: FormContent | null;
  /** For the model. Null if none was given. */
  reason: string | null;
  /** Arguments that replace the model's, already validated against the tool's schema. Null: unchanged. */
  arguments: Record<string, unknown> | null;
  /** True: the decision holds for this tool for the rest of the conversation. */
  remember: boolean;
}

/** Deletes the conversation with all that it holds. */
export interface DeleteEvent {
  type: 'client.delete';
  by: Requester;
}

/** Any request of a client. Every state of the chart answers each. */
export type ClientEvent = ChatEvent | CancelEvent | RespondEvent | DeleteEvent;
