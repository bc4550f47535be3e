/**
 * The conversations in memory, as the page lists them: searched, filtered, the most recently active first. Looks at
 * a few in each turn of the event loop, because there may be a hundred thousand.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { LiveConversation } from '../conversation/live-conversation.ts';
import type { ConversationRef } from '../conversation-ref.ts';

export interface ListQuery {
  /** Part of an id or an owner; empty for all. */
  search: string;
  /** A state, or one with others in it: `turn` is all of `turn.*`. Empty for all. */
  state: string;
  /** Most conversations of the list. */
  limit: number;
}

export interface ListedLive extends ConversationRef {
  /** Dotted. */
  state: string;
  hop: number;
  /** Since it was last spoken to or spoke. */
  idleMs: number;
  /** A person is asked something, beside other work perhaps. */
  isAsking: boolean;
}

export interface LiveList {
  conversations: readonly ListedLive[];
  /** That the search fits, by state. */
  states: Readonly<Record<string, number>>;
  /** Those that ask a person something while other calls run; the log does not list them as waiting. */
  asking: readonly ListedLive[];
}

const SLICE = 500;
/** A turn in this state does nothing else: the log knows that it waits. */
const WAITING = 'turn.toolHop.waiting';
/** Most of those that ask beside other work. */
const MOST_ASKING = 200;

/** What the list tells of one. */
type Listable = Pick<LiveConversation, 'ref' | 'state' | 'lastActiveMs'>;

export async function listLive(
  conversations: () => Iterable<Listable>,
  { search, state, limit }: ListQuery,
): Promise<LiveList> {
  const nowMs = performance.now();
  const wanted = search.toLowerCase();
  const states: Record<string, number> = {};
  let newest: ListedLive[] = [];
  const asking: ListedLive[] = [];
  let looked = 0;
  for (const { ref, state: standing, lastActiveMs } of conversations()) {
    looked += 1;
    if (looked % SLICE === 0) await nextTick();
    const { value, hop, can } = standing().state;
    const listed = {
      ...ref,
      state: value,
      hop,
      idleMs: Math.round(nowMs - lastActiveMs),
      isAsking: can.includes('respond'),
    };
    if (listed.isAsking && value !== WAITING && asking.length < MOST_ASKING) asking.push(listed);
    if (!`${ref.conversationId}\n${ref.owner}`.toLowerCase().includes(wanted)) continue;
    states[value] = (states[value] ?? 0) + 1;
    if (state !== '' && value !== state && !value.startsWith(`${state}.`)) continue;
    newest.push(listed);
    // Sorted now and then, so that all of them are never held.
    if (newest.length >= 4 * limit) newest = newestOf(newest, limit);
  }
  return { conversations: newestOf(newest, limit), states, asking };
}

function newestOf(conversations: readonly ListedLive[], limit: number): ListedLive[] {
  return conversations.toSorted((one, other) => one.idleMs - other.idleMs).slice(0, limit);
}
