/**
 * What clients ask of a conversation. Plain data, built field by field from validated requests, so that a client
 * can never smuggle one of XState's own events in.
 */
import type { Included } from '../context-window/included.ts';

/** A form that was filled in; the MCP knows no other values. */
export type FormContent = Record<string, string | number | boolean | string[]>;

/** A client's request that wants an answer: which socket asked, under which id. */
export interface Asker {
  session: string;
  requestId: string;
}

/** Where a client stands in a conversation's log and in the message under construction (UTF-16 units). */
export interface Cursor {
  after_seq: number;
  message_id?: string | undefined;
  offset?: number | undefined;
  reasoning_offset?: number | undefined;
}

/** How the sender of a chat wants to follow its turn. */
export interface FollowOptions {
  /** False: no live chunks, the committed rows instead. */
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
 * A message that asks for a turn. `mode` says what if one runs already: wait behind it, be refused, or stop
 * it and go first. Until its row is committed the client is promised nothing.
 */
export interface ChatEvent {
  type: 'client.chat';
  session: string;
  requestId: string;
  text: string;
  /** What it brings along from MCP servers, to be read before it. */
  included: Included[];
  /** Fingerprint of what was asked: the same request id with another digest is refused. */
  digest: string;
  mode: (typeof chatModes)[number];
  follow: FollowOptions;
  metadata: Record<string, unknown> | null;
  /** The model to ask; null for the provider's own. */
  model: string | null;
  /** The seq of a user's message, in whose place this one is asked: the turn knows what was before it. Null: it goes on from the newest. */
  rewindTo: number | null;
}

export interface CancelEvent {
  type: 'client.cancel';
  /** Null when an interrupting chat, not a client's Stop, ends the turn. */
  by: Asker | null;
  /** Request id of the turn that is meant; null for the running one. */
  target: string | null;
}

/** A person's answer to what a turn has asked. The first one counts. */
export interface RespondEvent {
  type: 'client.respond';
  by: Asker;
  interruptId: string;
  decision: (typeof approvalDecisions)[number] | (typeof questionDecisions)[number];
  /** The form as it was filled in, checked against its schema already; null where there is none. */
  content: FormContent | null;
  /** For the model; null where none was given. */
  reason: string | null;
  /** With which an approved call is made instead of the model's; checked against the tool's schema already. Null: as it was asked. */
  arguments: Record<string, unknown> | null;
  /** Decides about the tool for the rest of the conversation. */
  remember: boolean;
}

/** The wish that the conversation be gone, with all that it holds. */
export interface DeleteEvent {
  type: 'client.delete';
  by: Asker;
}

export type ClientEvent = ChatEvent | CancelEvent | RespondEvent | DeleteEvent;
