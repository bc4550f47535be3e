/**
 * A store on a real file, with the actor that owns it, and short ways to say what is appended.
 * Everything is closed and removed when the test ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { createActor } from 'xstate';
import type { ActorRefFrom } from 'xstate';
import type { NewRow } from '../../machines/log.ts';
import type { WriterInput, WriterLogic } from '../../machines/writer.ts';
import { openStore } from '../../src/store/store.ts';
import type { Append, AppendOutcome, Store, StoreOptions } from '../../src/store/store.ts';
import type { PostedAppend } from '../../src/store/thread-messages.ts';

export const owner = 'ann';

export interface Opened {
  store: Store;
  append(append: Append): Promise<AppendOutcome>;
  /** The actor that owns the file. */
  writer: ActorRefFrom<WriterLogic>;
}

export interface Sandbox {
  /** Of the database; its folder is the test's own. */
  path: string;
  /** Opens a store and waits until it serves; rejects with the refusal. */
  open(options?: Partial<StoreOptions> & WriterInput): Promise<Opened>;
}

/** All stores are closed and the folder is removed when the test ends. */
export function sandbox(t: TestContext): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), 'parley-store-'));
  const path = join(folder, 'events.db');
  const stores: Store[] = [];
  t.after(async () => {
    await Promise.allSettled(stores.map((store) => store.close()));
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    path,
    async open(options = {}) {
      const { store, writerLogic, opened } = openStore({ path, ...options });
      stores.push(store);
      const writer = createActor(writerLogic, { input: options }).start();
      await opened;
      return { store, append: (append) => new Promise((resolve) => store.append(append, resolve)), writer };
    },
  };
}

export function row(fields: Partial<NewRow> = {}): NewRow {
  return {
    type: 'user_message',
    role: 'user',
    content: 'Hello',
    tool_calls: null,
    tool_call_id: null,
    model: null,
    usage: null,
    extra: {},
    token_count: 1,
    request_id: null,
    ...fields,
  };
}

/** The append that begins a turn with a user's message. */
export function begin(conversationId: string, requestId: string, fields: Partial<NewRow> = {}): Append {
  const rows = [row({ request_id: requestId, ...fields })];
  return { conversationId, owner, rows, begin: { requestId, digest: `digest of ${requestId}` } };
}

/** The append that ends it with an answer and its turn_end row. */
export function end(conversationId: string, requestId: string, fields: Partial<NewRow> = {}): Append {
  return {
    conversationId,
    owner,
    rows: [
      row({ type: 'assistant_message', role: 'assistant', content: 'Hi', request_id: requestId, ...fields }),
      row({
        type: 'meta',
        role: null,
        content: null,
        token_count: null,
        request_id: requestId,
        extra: { kind: 'turn_end' },
      }),
    ],
    end: { requestId, payload: { status: 'complete', requestId } },
  };
}

/** The public table alone, as another program would make it. */
export const bareTable = `CREATE TABLE chat_events (id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL, seq INTEGER, timestamp TEXT,
  type TEXT NOT NULL, role TEXT, content TEXT, tool_calls TEXT, tool_call_id TEXT, model TEXT, usage TEXT, extra TEXT,
  token_count INTEGER, request_id TEXT)`;

/** Runs SQL on a file as another program would. */
export function elsewhere<T>(path: string, work: (db: Database.Database) => T): T {
  const db = new Database(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** An append as it reaches the write thread. */
export function posted(conversationId: string, id: string, content: string, again = false): PostedAppend {
  const timestamp = '2026-01-01T00:00:00.000Z';
  return {
    conversationId,
    owner,
    timestamp,
    rows: [[id, timestamp, 'user_message', 'user', content, null, null, null, null, null, 1, null]],
    begin: null,
    end: null,
    again,
  };
}
