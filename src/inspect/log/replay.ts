/**
 * Replays a conversation from the log for a viewer: the newest rows, or earlier ones, as messages of live inspection,
 * and the state at the end of the log. Only reads, and activates no conversation.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { RecoveryPolicy } from '../../../machines/conversation/turn-state.ts';
import type { ConversationRef } from '../../conversation-ref.ts';
import { isTurnEnd } from '../../../machines/log.ts';
import { replaySteps } from '../../replay/steps.ts';
import { describeState } from '../../replay/describe.ts';
import type { Store } from '../../store/port.ts';
import { createLogMessages, type LogMessageDeps } from './log-messages.ts';
import { rowFacts, type RowFacts } from './rows.ts';
import type { StatelyMessage } from '../stately-format.ts';

/** The store and the limits of a replay. */
export interface ReplayDeps extends LogMessageDeps {
  store: Pick<Store, 'page' | 'load'>;
  recovery: RecoveryPolicy;
  /** Most rows of one replay. */
  maxRows: number;
}

/** One part of a log, replayed. */
export interface Replay {
  messages: readonly StatelyMessage[];
  /** The same rows as short facts. */
  rows: readonly RowFacts[];
  /** In words: what is open at the end of the log, and what recovery would do. Null if the rows do not reach the end. */
  endState: string | null;
  headSeq: number;
  /** Cursor for the rows before these. Null if none. */
  beforeSeq: number | null;
}

/** Rows that are folded in one turn of the event loop. */
const SLICE = 100;

/** Resolves with null for an unknown conversation. Rejects if the log cannot be read. */
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

  const toMessages = createLogMessages(conversationId, deps);
  const messages: StatelyMessage[] = [];
  let endState: string | null = null;
  let folded = 0;
  for (const step of replaySteps(rows, new Set(ended))) {
    messages.push(...toMessages(step));
    if (step.row.seq === headSeq) endState = describeState(step.folded, deps.recovery);
    folded += 1;
    if (folded % SLICE === 0) await nextTick();
  }
  const [first] = rows;
  return {
    messages,
    rows: rows.map((row) => rowFacts(row, deps.limits.includeContent)),
    endState,
    headSeq,
    beforeSeq: first && first.seq > oldestSeq ? first.seq : null,
  };
}
