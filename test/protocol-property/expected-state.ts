/**
 * What one client holds of one conversation, over all its sockets: rows, texts, and the turns that it asked for. From
 * it come its cursors, and against it everything it is sent is held.
 */
import type { Incoming } from '../../src/client/frames.ts';
import type { Cursor } from '../../src/client/position.ts';
import type { From } from './steps.ts';

export type Row = Extract<Incoming, { status: 'event' }>['event'];
export type TextKind = 'text' | 'reasoning';
/** What is held of a message, and the turn that it belongs to. */
export type MessageText = Record<TextKind, string> & { of: string };

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
  end: Incoming | null;
  /** What was held of its messages at the end; null where a subscription, too, had its part in that. */
  heldAtEnd: ReadonlyMap<string, MessageText> | null;
}

export interface ExpectedState {
  /** The rows begin behind this seq. */
  base: number;
  rows: Row[];
  /** By message. */
  texts: Map<string, MessageText>;
  /** The message that a subscription has seen grow, until its row comes. */
  writing: string | null;
  turns: Map<string, SentTurn>;
  wantsToFollow: boolean;
}

/** A cursor, what its holder has of the message that the cursor names, and which messages before that one are held whole. */
export interface Place {
  cursor: Cursor;
  held: MessageText | null;
  whole: ReadonlySet<string>;
}

export function createExpectedState(): ExpectedState {
  return { ...emptyState(), turns: new Map() };
}

/** What is held of a conversation that one has seen nothing of. */
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

/** Where a subscription is to start. */
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

/** Where the sender of a turn is in it; at its beginning if a subscription has made it forget a part. */
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

/** The conversation may be another one by the same name. */
export function forget(expected: ExpectedState, isFollowed: boolean): void {
  for (const turn of expected.turns.values())
    Object.assign(turn, { afterSeq: 0, shown: new Set(), messages: new Set(), writing: null });
  if (!isFollowed) Object.assign(expected, { ...emptyState(), wantsToFollow: expected.wantsToFollow });
}

/** A turn goes on from a place: what is shown from there on is not held yet. */
export function resetTurnTo(expected: ExpectedState, turn: SentTurn, { cursor, held, whole }: Place): void {
  for (const [messageId, { of }] of expected.texts)
    if (of === turn.requestId && !whole.has(messageId)) expected.texts.delete(messageId);
  turn.shown = new Set([...turn.shown].filter((seq) => seq <= cursor.after_seq));
  turn.afterSeq = cursor.after_seq;
  turn.writing = cursor.message_id ?? null;
  turn.messages = new Set(turn.writing === null ? whole : [...whole, turn.writing]);
  if (held && cursor.message_id !== undefined) expected.texts.set(cursor.message_id, { ...held });
}

/** A subscription goes on from a place. What its client's own turns have shown stays. */
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

/** `repeat` is taken in all the same: it says the same. */
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

/** Who stopped between the halves of a character is sent the first one again. */
function completesPair(have: string, offset: number): boolean {
  return offset === have.length - 1 && /[\uD800-\uDBFF]$/.test(have);
}
