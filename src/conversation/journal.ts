/**
 * The way from an appended row to what everyone sees: count its tokens, commit it, keep it warm,
 * show it, and only then tell the chart. One journal a conversation; order is kept throughout, and
 * a fault on the way fails this conversation alone.
 */
import type { CommitOutcome, ConversationEmitted, InternalEvent } from '../../machines/conversation/events.ts';
import { messageParts } from '../../machines/context-window/included.ts';
import type { NewRow } from '../../machines/log.ts';
import { fault } from '../errors.ts';
import type { Delivery } from '../outbox/port.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { AppendOutcome, Store } from '../store/port.ts';
import type { TurnReport } from '../observability/turn-report.ts';
import type { InFlight } from './in-flight.ts';
import type { LogCache } from './warm-logs.ts';

export type AppendIntent = Extract<ConversationEmitted, { type: 'append' }>;

export interface JournalDeps {
  store: Pick<Store, 'append' | 'remove'>;
  warmLogs: Pick<LogCache, 'append'>;
  outbox: Pick<Delivery, 'publish'>;
  turnReport: Pick<TurnReport, 'ended'>;
  inFlight: Pick<InFlight, 'begin' | 'whenIdle'>;
  /** A number at once where it can; long texts are counted in a thread. Never rejects. */
  countTokens(text: string): number | Promise<number>;
}

export interface Journal {
  append(intent: AppendIntent): void;
  /** Ends the log, when all that was appended has landed; told as `log.removed`, or `log.failed` when the disk refuses. */
  remove(): void;
}

export interface JournalOwner {
  /** Gets `log.committed` or `log.failed` for each append, in the order of the appends. */
  send(event: InternalEvent): void;
  /** A part threw. The append may be in the log all the same, which a conversation that is opened anew will see. */
  fail(error: unknown): void;
}

/**
 * Commits in the order of the appends, though a later one's tokens may be counted first. A commit that is
 * refused is told as `log.failed`; what a part throws on the way goes to the owner's `fail`.
 */
export function createJournal(ref: ConversationRef, deps: JournalDeps, { send: tell, fail }: JournalOwner): Journal {
  /** Settles when the appends before have been handed to the store; null while none waits for a count. */
  let ahead: Promise<void> | null = null;

  const settle = ({ tag, end }: AppendIntent, outcome: AppendOutcome) => {
    if (outcome.status === 'failed') {
      tell({ type: 'log.failed', tag, fault: outcome.fault });
      return;
    }
    if (outcome.status === 'stored') {
      deps.warmLogs.append(ref, outcome.rows);
      deps.outbox.publish(ref, outcome.rows);
      if (end) deps.turnReport.ended(ref, end.requestId, end.payload);
    }
    // The outcome first: an inspector's copy is cut at its end, and a message in the tag may be long.
    tell({ type: 'log.committed', outcome: commitOutcome(outcome), tag });
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
        () => tell({ type: 'log.removed' }),
        () =>
          tell({
            type: 'log.failed',
            tag: { of: 'removal' },
            fault: fault('storage_failed', 'The conversation could not be deleted. Try again.'),
          }),
      );
    },
  };
}

/** Fills in the row's token count: null when that is done, else the promise of it. */
function countRow(row: NewRow, countTokens: JournalDeps['countTokens']): Promise<void> | null {
  if (row.token_count !== null || row.type === 'meta' || row.type === 'tool_call') return null;
  // What the provider reports wins over an estimate; it covers text, reasoning and tool calls alike.
  if (row.type === 'assistant_message' && row.usage && !row.usage.estimated) {
    // Some report reasoning within the completion, some beside it.
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
