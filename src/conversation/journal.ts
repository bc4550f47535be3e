/**
 * Takes appended rows to the log and to the followers: counts tokens, commits, updates the log cache, publishes, then
 * reports the commit to the chart. One journal per conversation. The order of appends is kept. An error here fails this
 * conversation alone.
 */
import type { CommitOutcome, ConversationEmitted, InternalEvent } from '../../machines/conversation/events.ts';
import { messageParts } from '../../machines/context-window/included.ts';
import type { NewRow } from '../../machines/log.ts';
import { fault } from '../errors.ts';
import type { Delivery } from '../delivery/port.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { AppendOutcome, Store } from '../store/port.ts';
import type { TurnReport } from '../observability/turn-report.ts';
import type { InFlight } from './in-flight.ts';
import type { LogCache } from './log-cache.ts';

/** An append as the chart emits it. */
export type AppendIntent = Extract<ConversationEmitted, { type: 'append' }>;

/** The parts that an append passes through. */
export interface JournalDeps {
  store: Pick<Store, 'append' | 'remove'>;
  logCache: Pick<LogCache, 'append'>;
  delivery: Pick<Delivery, 'publish'>;
  turnReport: Pick<TurnReport, 'ended'>;
  inFlight: Pick<InFlight, 'begin' | 'whenIdle'>;
  /** Returns a number at once if possible. A thread counts long texts. Never rejects. */
  countTokens(text: string): number | Promise<number>;
}

/** The journal of one conversation. */
export interface Journal {
  append(intent: AppendIntent): void;
  /** Removes the log once all earlier appends are committed. Reports `log.removed`, or `log.failed` if the disk fails. */
  remove(): void;
}

/** The conversation's actor. */
export interface JournalOwner {
  /** Gets `log.committed` or `log.failed` for each append, in the order of the appends. */
  send(event: InternalEvent): void;
  /** Code threw. The append may still be in the log. A new actor finds it there. */
  fail(error: unknown): void;
}

/**
 * Commits in the order of the appends, although a later one's tokens may be counted first. A failed commit is reported
 * as `log.failed`. Errors on the way go to the owner's `fail`.
 */
export function createJournal(ref: ConversationRef, deps: JournalDeps, { send, fail }: JournalOwner): Journal {
  /** Settles when all earlier appends are with the store. Null while none waits for a token count. */
  let ahead: Promise<void> | null = null;

  const settle = ({ tag, end }: AppendIntent, outcome: AppendOutcome) => {
    if (outcome.status === 'failed') {
      send({ type: 'log.failed', tag, fault: outcome.fault });
      return;
    }
    if (outcome.status === 'stored') {
      deps.logCache.append(ref, outcome.rows);
      deps.delivery.publish(ref, outcome.rows);
      if (end) deps.turnReport.ended(ref, end.requestId, end.payload);
    }
    // The outcome comes first: the inspector cuts its copy at the end, and the message in the tag may be long.
    send({ type: 'log.committed', outcome: commitOutcome(outcome), tag });
  };
  const commit = (intent: AppendIntent, landed: () => void) => {
    const { rows, begin, end, waiting, remember } = intent;
    const facts = {
      ...(begin ? { begin } : {}),
      ...(end ? { end } : {}),
      ...(waiting ? { waiting } : {}),
      ...(remember ? { remember } : {}),
    };
    try {
      deps.store.append({ ...ref, rows, ...facts }, (outcome) => {
        landed();
        try {
          settle(intent, outcome);
        } catch (error) {
          fail(error);
        }
      });
    } catch (error) {
      landed();
      fail(error);
    }
  };

  const removeLog = async () => {
    await deps.inFlight.whenIdle(ref);
    const landed = deps.inFlight.begin(ref);
    await deps.store.remove(ref.owner, ref.conversationId).finally(landed);
  };

  return {
    append(intent) {
      const landed = deps.inFlight.begin(ref);
      const counts = intent.rows.map((row) => countRow(row, deps.countTokens)).filter((count) => count !== null);
      if (ahead === null && counts.length === 0) {
        commit(intent, landed);
        return;
      }
      const mine: Promise<void> = Promise.all([ahead, ...counts]).then(() => {
        if (ahead === mine) ahead = null;
        commit(intent, landed);
      });
      mine.catch((error: unknown) => {
        landed();
        fail(error);
      });
      ahead = mine;
    },
    remove() {
      removeLog().then(
        () => send({ type: 'log.removed' }),
        () =>
          send({
            type: 'log.failed',
            tag: { of: 'removal' },
            fault: fault('storage_failed', 'The conversation could not be deleted. Try again.'),
          }),
      );
    },
  };
}

/** Fills in the row's token count. Returns null if it is done, else a promise. */
function countRow(row: NewRow, countTokens: JournalDeps['countTokens']): Promise<void> | null {
  if (row.token_count !== null || row.type === 'meta' || row.type === 'tool_call') return null;
  // The provider's count is better than an estimate. It covers text, reasoning and tool calls.
  if (row.type === 'assistant_message' && row.usage && !row.usage.estimated) {
    // Some providers include reasoning in the completion, others report it beside it.
    const { completion_tokens: completion, reasoning_tokens: reasoning = 0 } = row.usage;
    row.token_count = reasoning < completion ? completion - reasoning : completion;
    return null;
  }
  const text =
    row.type === 'user_message'
      ? messageParts(row)
          .map((words) => words.text)
          .join('\n\n')
      : (row.content ?? '');
  const count = countTokens(text + (row.tool_calls ? JSON.stringify(row.tool_calls) : ''));
  if (typeof count !== 'number') return count.then((tokens) => void (row.token_count = tokens));
  row.token_count = count;
  return null;
}

function commitOutcome(outcome: Exclude<AppendOutcome, { status: 'failed' }>): CommitOutcome {
  return outcome.status === 'stored' ? { status: 'stored', seq: outcome.rows[0]?.seq ?? 0 } : outcome;
}
