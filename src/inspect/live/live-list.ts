/**
 * Lists the conversations in memory for the page: searched, filtered, the most recently active first. It yields to the
 * event loop every few hundred conversations, because there can be 100,000.
 */
import { WAITING_STATE } from '../../../machines/conversation/decisions/log-state.ts';
import { setImmediate as nextTick } from 'node:timers/promises';
import type { LiveConversation } from '../../conversation/live-conversation.ts';
import type { ConversationRef } from '../../conversation-ref.ts';

/** What to list. */
export interface ListQuery {
  /** Part of an id or an owner. Empty for all. */
  search: string;
  /** A state with its substates: `turn` includes `turn.*`. Empty for all. */
  state: string;
  /** Most conversations in the list. */
  limit: number;
}

/** One conversation in memory. */
export interface ListedLive extends ConversationRef {
  /** Dotted path. */
  state: string;
  hop: number;
  /** Time since its last event, in ms. */
  idleMs: number;
  /** It waits for a person's response; other calls may run meanwhile. */
  hasOpenInterrupt: boolean;
}

/** The list, with the counts of all that match. */
export interface LiveList {
  conversations: readonly ListedLive[];
  /** Number of conversations that match the search, by state. */
  states: Readonly<Record<string, number>>;
  /** Conversations with an open interrupt while other calls run. The log does not list these as waiting. */
  busyWithInterrupt: readonly ListedLive[];
}

const SLICE = 500;

/** Most entries of `busyWithInterrupt`. */
const MOST_BUSY = 200;
type Listable = Pick<LiveConversation, 'ref' | 'state' | 'lastActiveMs'>;

/** Lists live conversations: at most `limit`, newest first, with counts by state of all that match. */
export async function listLive(
  conversations: () => Iterable<Listable>,
  { search, state, limit }: ListQuery,
): Promise<LiveList> {
  const nowMs = performance.now();
  const wanted = search.toLowerCase();
  const states: Record<string, number> = {};
  let newest: ListedLive[] = [];
  const busyWithInterrupt: ListedLive[] = [];
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
      hasOpenInterrupt: can.includes('respond'),
    };
    if (listed.hasOpenInterrupt && value !== WAITING_STATE && busyWithInterrupt.length < MOST_BUSY)
      busyWithInterrupt.push(listed);
    if (!`${ref.conversationId}\n${ref.owner}`.toLowerCase().includes(wanted)) continue;
    states[value] = (states[value] ?? 0) + 1;
    if (state !== '' && value !== state && !value.startsWith(`${state}.`)) continue;
    newest.push(listed);
    // Sorted in batches, so the array stays small.
    if (newest.length >= 4 * limit) newest = newestOf(newest, limit);
  }
  return { conversations: newestOf(newest, limit), states, busyWithInterrupt: busyWithInterrupt };
}

function newestOf(conversations: readonly ListedLive[], limit: number): ListedLive[] {
  return conversations.toSorted((one, other) => one.idleMs - other.idleMs).slice(0, limit);
}
