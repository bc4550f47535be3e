/**
 * A client that follows the conversation, built on the shipping client. It keeps the rows and the unfinished texts that
 * it received. Over a kill it keeps these and its cursor. It approves requests after `approveAll`.
 */
import { connect, type Client } from '../../src/client/client.ts';
import { ParleyError } from '../../src/client/errors.ts';
import type { FollowedFrame } from '../../src/client/follow.ts';
import type { Cursor } from '../../src/client/position.ts';
import type { LogEvent } from '../../src/protocol/log-event.ts';
import type { Notifier } from './notifier.ts';
import { HELD_CONVERSATION } from './held-store-messages.ts';

/** Delay before an answer is repeated that the server rejected as retryable. */
const RETRY_MS = 50;

export interface Watcher {
  /** In the order received. */
  readonly rows: readonly LogEvent[];
  /** Texts of messages without a row, by message. */
  readonly drafts: ReadonlyMap<string, string>;
  readonly violations: readonly string[];
  /** Subscribes from its cursor on. The conversation must exist. */
  open(url: string): void;
  isOpen(): boolean;
  /** Approves every question from now on, including open ones. */
  approveAll(): void;
  /** The last state received; null before the first one. */
  readonly state: string | null;
  close(): void;
}

export function createWatcher(notifier: Notifier): Watcher {
  const rows: LogEvent[] = [];
  const drafts = new Map<string, string>();
  const violations: string[] = [];
  let cursor: Cursor = { after_seq: 0 };
  let client: Client | null = null;
  let approves = false;
  let state: string | null = null;

  const approve = (row: LogEvent) => {
    const kind = row.extra?.['kind'];
    if (!approves || (kind !== 'approval_request' && kind !== 'elicitation_request')) return;
    const interruptId = String(row.extra?.['interrupt_id']);
    if (rows.some(({ extra }) => extra?.['kind'] === 'response' && extra['interrupt_id'] === interruptId)) return;
    client
      ?.respond(HELD_CONVERSATION, { interruptId, decision: kind === 'approval_request' ? 'approve' : 'answer' })
      .catch((error: unknown) => {
        if (error instanceof ParleyError && error.retryable) setTimeout(approve, RETRY_MS, row);
      });
  };
  const take = (frame: FollowedFrame) => {
    if (frame.status === 'event') {
      const { event } = frame;
      const shown = drafts.get(event.id);
      if (shown !== undefined && !(event.content ?? '').startsWith(shown))
        violations.push(
          `row ${event.seq} has ${JSON.stringify(event.content)}, and the client received ${JSON.stringify(shown)} of it`,
        );
      drafts.delete(event.id);
      rows.push(event);
      approve(event);
    } else if (frame.status === 'chunk') {
      const { chunk } = frame;
      if (chunk.type === 'text') drafts.set(chunk.message_id, (drafts.get(chunk.message_id) ?? '') + chunk.data);
      else if (chunk.type === 'reset') drafts.delete(chunk.message_id);
    } else if (frame.status === 'state') {
      state = frame.state.value;
    } else if (frame.status === 'result' && (frame.result.reset || frame.result.truncated)) {
      violations.push(
        `the log did not continue at the cursor ${JSON.stringify(cursor)}: ${JSON.stringify(frame.result)}`,
      );
    }
  };

  return {
    rows,
    drafts,
    violations,
    open(url) {
      client?.close();
      const opened = connect(url, { reconnect: { minMs: 60_000, maxMs: 60_000 } });
      const follow = opened.follow(HELD_CONVERSATION, { cursor, state: true });
      state = null;
      client = opened;
      const read = async () => {
        for await (const frame of follow) {
          take(frame);
          cursor = follow.cursor();
          notifier.notify();
        }
      };
      // The loop ends with its server, or with the proof.
      read().catch((error: unknown) => {
        if (client === opened) violations.push(`following failed: ${String(error)}`);
      });
    },
    isOpen: () => client !== null,
    approveAll() {
      approves = true;
      rows.forEach(approve);
    },
    get state() {
      return state;
    },
    close() {
      const closing = client;
      client = null;
      closing?.close();
    },
  };
}
