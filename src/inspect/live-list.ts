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
}

export interface ListedLive extends ConversationRef {
  /** Dotted. */
  state: string;
  hop: number;
  /** Since it was last spoken to or spoke. */
  idleMs: number;
}

export interface LiveList {
  conversations: readonly ListedLive[];
  /** That the search fits, by state. */
  states: Readonly<Record<string, number>>;
}

const SLICE = 500;
/** More than a person reads; the search is for the rest. */
const MOST = 200;

/** What the list tells of one. */
type Listable = Pick<LiveConversation, 'ref' | 'standing' | 'lastActiveMs'>;

export async function listLive(conversations: () => Iterable<Listable>, { search, state }: ListQuery): Promise<LiveList> {
  const nowMs = performance.now();
  const wanted = search.toLowerCase();
  const states: Record<string, number> = {};
  let newest: ListedLive[] = [];
  let looked = 0;
  for (const { ref, standing, lastActiveMs } of conversations()) {
    looked += 1;
    if (looked % SLICE === 0) await nextTick();
    if (!`${ref.conversationId}\n${ref.owner}`.toLowerCase().includes(wanted)) continue;
    const { value, hop } = standing().state;
    states[value] = (states[value] ?? 0) + 1;
    if (state !== '' && value !== state && !value.startsWith(`${state}.`)) continue;
    newest.push({ ...ref, state: value, hop, idleMs: Math.round(nowMs - lastActiveMs) });
    // Sorted now and then, so that all of them are never held.
    if (newest.length >= 4 * MOST) newest = newestOf(newest);
  }
  return { conversations: newestOf(newest), states };
}

function newestOf(conversations: readonly ListedLive[]): ListedLive[] {
  return conversations.toSorted((one, other) => one.idleMs - other.idleMs).slice(0, MOST);
}
