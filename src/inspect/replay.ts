/**
 * Replays a conversation from the log for a viewer: the newest rows, or those before them, as messages of live
 * inspection, and where the log leaves the conversation. Reads; opens no conversation.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { RecoveryPolicy } from '../../machines/conversation/turn-state.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import { isTurnEnd, replaySteps } from '../replay/steps.ts';
import { describeState } from '../replay/describe.ts';
import type { Store } from '../store/port.ts';
import { createLogMessages, type LogMessageDeps } from './log-messages.ts';
import { rowFacts, type RowFacts } from './row-facts.ts';
import type { StatelyMessage } from './stately-event.ts';

export interface ReplayDeps extends LogMessageDeps {
  store: Pick<Store, 'page' | 'load'>;
  recovery: RecoveryPolicy;
  /** Rows of one replay. */
  maxRows: number;
}

export interface Replay {
  messages: readonly StatelyMessage[];
  /** The same rows in short. */
  rows: readonly RowFacts[];
  /** In words: what is open at the end of the log, and what recovery would do about it. Null where the end is not among the rows. */
  standing: string | null;
  headSeq: number;
  /** Ask with it for the rows before these; null where there are none. */
  beforeSeq: number | null;
}

/** Rows that are folded in one turn of the event loop. */
const SLICE = 100;

/** Null for a conversation that the log does not know. Rejects when it cannot be read. */
export async function replayConversation(
  ref: ConversationRef,
  beforeSeq: number | null,
  deps: ReplayDeps,
): Promise<Replay | null> {
  const { owner, conversationId } = ref;
  const page = await deps.store.page(owner, conversationId, {
    limit: deps.maxRows,
    ...(beforeSeq === null ? {} : { beforeSeq }),
  });
  if (!page) return null;
  const { rows, headSeq, oldestSeq } = page;
  const { open } = await deps.store.load(owner, conversationId, 0);
  const stillOpen = new Set(open.map(({ requestId }) => requestId));
  const endsHere = new Set(rows.filter(isTurnEnd).map((row) => row.request_id));
  const ended = rows.flatMap(({ request_id: id }) =>
    id !== null && !endsHere.has(id) && !stillOpen.has(id) ? [id] : [],
  );

  const tell = createLogMessages(conversationId, deps);
  const messages: StatelyMessage[] = [];
  let standing: string | null = null;
  let folded = 0;
  for (const step of replaySteps(rows, new Set(ended))) {
    messages.push(...tell(step));
    if (step.row.seq === headSeq) standing = describeState(step.folded, deps.recovery);
    folded += 1;
    if (folded % SLICE === 0) await nextTick();
  }
  const [first] = rows;
  return {
    messages,
    rows: rows.map((row) => rowFacts(row, deps.limits.texts)),
    standing,
    headSeq,
    beforeSeq: first && first.seq > oldestSeq ? first.seq : null,
  };
}
