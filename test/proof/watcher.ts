/**
 * A client that follows the conversation, the shipping one: the rows that it was shown and the text that is being
 * written, as it holds them. Over a kill it keeps only that and its cursor, and approves what a person is asked.
 */
import { connect, type Client } from '../../src/client/client.ts';
import { ParleyError } from '../../src/client/errors.ts';
import type { SubscriptionFrame } from '../../src/client/subscription.ts';
import type { Cursor } from '../../src/client/position.ts';
import type { LogEvent } from '../../src/protocol/log-event.ts';
import type { Bell } from './bell.ts';
import { PROVEN } from './conversation-ids.ts';

/** Between two tries to answer a question while the server has no room for it. */
const AGAIN_MS = 50;

export interface Watcher {
  /** In the order shown. */
  readonly rows: readonly LogEvent[];
  /** What was shown of messages that have no row yet, by message. */
  readonly drafts: ReadonlyMap<string, string>;
  readonly complaints: readonly string[];
  /** From its cursor on. The conversation must be known. */
  open(url: string): void;
  isOpen(): boolean;
  /** Says yes to every question from now on, those that are open included. */
  approveAll(): void;
  /** How the conversation stands, by the last that it was told; null before. */
  readonly state: string | null;
  close(): void;
}

export function createWatcher(bell: Bell): Watcher {
  const rows: LogEvent[] = [];
  const drafts = new Map<string, string>();
  const complaints: string[] = [];
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
      ?.respond(PROVEN, { interruptId, decision: kind === 'approval_request' ? 'approve' : 'answer' })
      .catch((error: unknown) => {
        if (error instanceof ParleyError && error.retryable) setTimeout(approve, AGAIN_MS, row);
      });
  };
  const take = (frame: SubscriptionFrame) => {
    if (frame.status === 'event') {
      const { event } = frame;
      const shown = drafts.get(event.id);
      if (shown !== undefined && !(event.content ?? '').startsWith(shown))
        complaints.push(
          `row ${event.seq} says ${JSON.stringify(event.content)}, and ${JSON.stringify(shown)} was shown of it`,
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
      complaints.push(`the log did not go on at the cursor ${JSON.stringify(cursor)}: ${JSON.stringify(frame.result)}`);
    }
  };

  return {
    rows,
    drafts,
    complaints,
    open(url) {
      client?.close();
      const opened = connect(url, { reconnect: { minMs: 60_000, maxMs: 60_000 } });
      const follow = opened.subscribe(PROVEN, { cursor, state: true });
      state = null;
      client = opened;
      const read = async () => {
        for await (const frame of follow) {
          take(frame);
          cursor = follow.cursor();
          bell.ring();
        }
      };
      // It ends with its server, or with the proof.
      read().catch((error: unknown) => {
        if (client === opened) complaints.push(`following failed: ${String(error)}`);
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
