/**
 * What one client holds of one conversation, over all its sockets: rows, texts, and the turns that it asked for. From
 * it come its cursors, and against it everything it is sent is held.
 */
import type { Frame } from '../../src/protocol/frames.ts';
import type { Cursor } from '../../src/client/position.ts';
import type { From } from './steps.ts';

export type Row = Extract<Frame, { status: 'event' }>['event'];
export type Strand = 'text' | 'reasoning';
/** What is held of a message, and the turn that it belongs to. */
export type Written = Record<Strand, string> & { of: string };

/** A message that this client has asked to be answered. */
export interface SentTurn {
  readonly requestId: string;
  /** The same whenever it is sent, but for the cursor. */
  readonly payload: Record<string, unknown>;
  /** The last row of it that was shown. */
  afterSeq: number;
  /** Rows of tool calls, results and questions, as they were shown. */
  shown: Set<number>;
  /** Of its answers. */
  messages: Set<string>;
  /** The one that may still grow. */
  writing: string | null;
  /** Its last frame; `deleted` too is one. */
  end: Frame | null;
  /** What was held of its messages at the end; null where a subscription, too, had its part in that. */
  heldAtEnd: ReadonlyMap<string, Written> | null;
}

export interface Holding {
  /** The rows begin behind this seq. */
  base: number;
  rows: Row[];
  /** By message. */
  texts: Map<string, Written>;
  /** The message that a subscription has seen grow, until its row comes. */
  writing: string | null;
  turns: Map<string, SentTurn>;
  wantsToFollow: boolean;
}

/** A cursor, what its holder has of the message that the cursor names, and which messages before that one are held whole. */
export interface Place {
  cursor: Cursor;
  held: Written | null;
  whole: ReadonlySet<string>;
}

export function createHolding(): Holding {
  return { ...emptied(), turns: new Map() };
}

/** What is held of a conversation that one has seen nothing of. */
export function emptied(): Omit<Holding, 'turns'> {
  return { base: 0, rows: [], texts: new Map(), writing: null, wantsToFollow: false };
}

export const writtenIn = (row: Row): Written => ({
  text: row.content ?? '',
  reasoning: String(row.extra?.['reasoning'] ?? ''),
  of: row.request_id ?? '',
});

const nothing: ReadonlySet<string> = new Set();
export const beginning: Place = { cursor: { after_seq: 0 }, held: null, whole: nothing };

export const lastSeq = ({ base, rows }: Holding): number => base + rows.length;

/** Where a subscription is to start. */
export function placeOf(holding: Holding, from: From): Place {
  const here = lastSeq(holding);
  switch (from) {
    case 'here':
      return placeIn(holding, here, holding.writing, 1);
    case 'before':
      return holding.writing === null
        ? placeIn(holding, Math.max(holding.base, here - 2), null, 1)
        : placeIn(holding, here, holding.writing, 0.5);
    case 'start':
      return beginning;
    case 'beyond':
      return placeIn(holding, here + 1000, null, 1);
    case 'lost':
      return { cursor: { after_seq: here, message_id: 'lost', offset: 3 }, held: null, whole: nothing };
  }
}

/** Where the sender of a turn is in it; at its beginning if a subscription has made it forget a part. */
export function placeInTurn(holding: Holding, { afterSeq, writing, messages }: SentTurn): Place {
  if (![...messages].every((id) => holding.texts.has(id))) return beginning;
  return { ...placeIn(holding, afterSeq, writing, 1), whole: new Set([...messages].filter((id) => id !== writing)) };
}

function placeIn({ texts }: Holding, afterSeq: number, messageId: string | null, part: number): Place {
  const whole = messageId === null ? undefined : texts.get(messageId);
  if (messageId === null || !whole) return { cursor: { after_seq: afterSeq }, held: null, whole: nothing };
  const cut = (text: string) => text.slice(0, Math.ceil(text.length * part));
  const held = { ...whole, text: cut(whole.text), reasoning: cut(whole.reasoning) };
  return {
    cursor: {
      after_seq: afterSeq,
      message_id: messageId,
      offset: held.text.length,
      reasoning_offset: held.reasoning.length,
    },
    held,
    whole: nothing,
  };
}

/** The conversation may be another one by the same name. */
export function forget(holding: Holding, isFollowed: boolean): void {
  for (const turn of holding.turns.values())
    Object.assign(turn, { afterSeq: 0, shown: new Set(), messages: new Set(), writing: null });
  if (!isFollowed) Object.assign(holding, { ...emptied(), wantsToFollow: holding.wantsToFollow });
}

/** A turn goes on from a place: what is shown from there on is not held yet. */
export function goBackInTurn(holding: Holding, turn: SentTurn, { cursor, held, whole }: Place): void {
  for (const [messageId, { of }] of holding.texts)
    if (of === turn.requestId && !whole.has(messageId)) holding.texts.delete(messageId);
  turn.shown = new Set([...turn.shown].filter((seq) => seq <= cursor.after_seq));
  turn.afterSeq = cursor.after_seq;
  turn.writing = cursor.message_id ?? null;
  turn.messages = new Set(turn.writing === null ? whole : [...whole, turn.writing]);
  if (held && cursor.message_id !== undefined) holding.texts.set(cursor.message_id, { ...held });
}

/** A subscription goes on from a place. What its client's own turns have shown stays. */
export function goBack(holding: Holding, { cursor, held }: Place, afterSeq: number, own: ReadonlySet<string>): void {
  const kept = afterSeq - holding.base;
  const goesOn = kept >= 0 && kept <= holding.rows.length;
  holding.rows = goesOn ? holding.rows.slice(0, kept) : [];
  holding.base = goesOn ? holding.base : afterSeq;
  const rows = new Set(holding.rows.map(({ id }) => id));
  for (const messageId of holding.texts.keys())
    if (!rows.has(messageId) && !own.has(messageId)) holding.texts.delete(messageId);
  holding.writing = held === null ? null : (cursor.message_id ?? null);
  if (holding.writing !== null && held) holding.texts.set(holding.writing, { ...held });
}
