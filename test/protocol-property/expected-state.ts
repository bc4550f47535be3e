/**
 * Keeps what one client should have of one conversation, over all its sockets: rows, texts, and the turns that it
 * started. Its cursors are made from this state, and every frame is compared with it.
 */
import type { Incoming } from '../../src/client/frames.ts';
import type { Cursor } from '../../src/client/position.ts';
import type { From } from './steps.ts';

export type Row = Extract<Incoming, { status: 'event' }>['event'];
export type TextKind = 'text' | 'reasoning';
/** Text of a message, and the turn that the message belongs to. */
export type MessageText = Record<TextKind, string> & { of: string };

/** A chat that this client has sent. */
export interface SentTurn {
  readonly requestId: string;
  /** The same each time it is sent, except for the cursor. */
  readonly payload: Record<string, unknown>;
  /** Seq of the last row of the turn that was received. */
  afterSeq: number;
  /** Rows of tool calls, results and questions that were received. */
  shown: Set<number>;
  /** Messages of its answers. */
  messages: Set<string>;
  /** The message that may still grow. */
  writing: string | null;
  /** Its last frame, which may be `deleted`. */
  end: Incoming | null;
  /** Texts of its messages at the end; null if a subscription contributed to them. */
  heldAtEnd: ReadonlyMap<string, MessageText> | null;
}

export interface ExpectedState {
  /** Seq before the first row. */
  base: number;
  rows: Row[];
  /** Texts by message. */
  texts: Map<string, MessageText>;
  /** The message that a subscription has seen grow, until its row comes. */
  writing: string | null;
  turns: Map<string, SentTurn>;
  wantsToFollow: boolean;
}

/**
 * A cursor, the text up to the cursor of the message that it names, and the messages before that one that are complete.
 */
export interface Place {
  cursor: Cursor;
  held: MessageText | null;
  whole: ReadonlySet<string>;
}

export function createExpectedState(): ExpectedState {
  return { ...emptyState(), turns: new Map() };
}

/** State of a client that has received nothing. */
export function emptyState(): Omit<ExpectedState, 'turns'> {
  return { base: 0, rows: [], texts: new Map(), writing: null, wantsToFollow: false };
}

export const textOf = (row: Row): MessageText => ({
  text: row.content ?? '',
  reasoning: String(row.extra?.['reasoning'] ?? ''),
  of: row.request_id ?? '',
});

const nothing: ReadonlySet<string> = new Set();
export const beginning: Place = { cursor: { after_seq: 0 }, held: null, whole: nothing };

export const lastSeq = ({ base, rows }: ExpectedState): number => base + rows.length;

/** Place where a subscription starts. */
export function placeOf(expected: ExpectedState, from: From): Place {
  const here = lastSeq(expected);
  switch (from) {
    case 'here':
      return placeIn(expected, here, expected.writing, 1);
    case 'before':
      return expected.writing === null
        ? placeIn(expected, Math.max(expected.base, here - 2), null, 1)
        : placeIn(expected, here, expected.writing, 0.5);
    case 'start':
      return beginning;
    case 'beyond':
      return placeIn(expected, here + 1000, null, 1);
    case 'lost':
      return { cursor: { after_seq: here, message_id: 'lost', offset: 3 }, held: null, whole: nothing };
  }
}

/** Place of the sender in a turn; the beginning if a subscription made it drop a part. */
export function placeInTurn(expected: ExpectedState, { afterSeq, writing, messages }: SentTurn): Place {
  if (![...messages].every((id) => expected.texts.has(id))) return beginning;
  return { ...placeIn(expected, afterSeq, writing, 1), whole: new Set([...messages].filter((id) => id !== writing)) };
}

function placeIn({ texts }: ExpectedState, afterSeq: number, messageId: string | null, part: number): Place {
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

/** Drops the state, because the conversation may be another one with the same id. */
export function forget(expected: ExpectedState, isFollowed: boolean): void {
  for (const turn of expected.turns.values())
    Object.assign(turn, { afterSeq: 0, shown: new Set(), messages: new Set(), writing: null });
  if (!isFollowed) Object.assign(expected, { ...emptyState(), wantsToFollow: expected.wantsToFollow });
}

/** Resets a turn to a place: everything after it is expected again. */
export function resetTurnTo(expected: ExpectedState, turn: SentTurn, { cursor, held, whole }: Place): void {
  for (const [messageId, { of }] of expected.texts)
    if (of === turn.requestId && !whole.has(messageId)) expected.texts.delete(messageId);
  turn.shown = new Set([...turn.shown].filter((seq) => seq <= cursor.after_seq));
  turn.afterSeq = cursor.after_seq;
  turn.writing = cursor.message_id ?? null;
  turn.messages = new Set(turn.writing === null ? whole : [...whole, turn.writing]);
  if (held && cursor.message_id !== undefined) expected.texts.set(cursor.message_id, { ...held });
}

/** Resets a subscription to a place. Messages of the client's own turns stay. */
export function resetTo(
  expected: ExpectedState,
  { cursor, held }: Place,
  afterSeq: number,
  own: ReadonlySet<string>,
): void {
  const kept = afterSeq - expected.base;
  const continues = kept >= 0 && kept <= expected.rows.length;
  expected.rows = continues ? expected.rows.slice(0, kept) : [];
  expected.base = continues ? expected.base : afterSeq;
  const rows = new Set(expected.rows.map(({ id }) => id));
  for (const messageId of expected.texts.keys())
    if (!rows.has(messageId) && !own.has(messageId)) expected.texts.delete(messageId);
  expected.writing = held === null ? null : (cursor.message_id ?? null);
  if (expected.writing !== null && held) expected.texts.set(expected.writing, { ...held });
}

export type Fit = 'fits' | 'gap' | 'repeat' | 'text';

/** Adds a piece of a message at its offset. A `repeat` is added too, because it has the same text. */
export function takeText(
  { texts }: ExpectedState,
  messageId: string,
  kind: TextKind,
  { offset, data, of }: { offset: number; data: string; of: string },
): Fit {
  const held = texts.get(messageId) ?? { text: '', reasoning: '', of };
  const have = held[kind];
  if (offset > have.length) return 'gap';
  const shared = have.slice(offset, offset + data.length);
  if (!data.startsWith(shared)) return 'text';
  if (offset + data.length > have.length) texts.set(messageId, { ...held, [kind]: have.slice(0, offset) + data });
  return offset === have.length || completesPair(have, offset) ? 'fits' : 'repeat';
}

/** A client that stopped between the halves of a surrogate pair gets the first half again. */
function completesPair(have: string, offset: number): boolean {
  return offset === have.length - 1 && /[\uD800-\uDBFF]$/.test(have);
}
