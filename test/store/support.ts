/**
 * Opens a store on a real file, with the actor that owns it, and builds appends. Closes and removes everything when the test
 * ends.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { createActor } from 'xstate';
import type { ActorRefFrom } from 'xstate';
import type { NewRow } from '../../machines/log.ts';
import type { WrittenDraft } from '../../machines/conversation/turn-state.ts';
import type { WriterInput } from '../../machines/writer-types.ts';
import type { WriterLogic } from '../../machines/writer.ts';
import type { ConversationRef } from '../../src/conversation-ref.ts';
import { openStore } from '../../src/store/store.ts';
import type { Append, AppendOutcome, Store } from '../../src/store/port.ts';
import type { StoreOptions } from '../../src/store/store.ts';
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

/** The append that says until when its turn waits for a person; null: no longer. */
export function waitingFor(conversationId: string, requestId: string, untilMs: number | null): Append {
  return {
    conversationId,
    owner,
    rows: [row({ type: 'meta', role: null, content: null, request_id: requestId })],
    waiting: { requestId, untilMs },
  };
}

/** An answer under construction, as it is kept. */
export function draftOf(
  conversationId: string,
  requestId: string,
  text: string,
  fields: Partial<WrittenDraft> = {},
): ConversationRef & WrittenDraft {
  return {
    owner,
    conversationId,
    requestId,
    messageId: `message of ${requestId}`,
    text,
    reasoning: '',
    model: 'demo',
    ...fields,
  };
}

/** Lets open-turns-child.ts open its turns in this file, and kills it. */
export async function killedWithOpenTurns(t: TestContext, path: string): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('open-turns-child.ts', import.meta.url)), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const [said] = await once(child.stdout.setEncoding('utf8'), 'data');
  assert.equal(said, 'stored\n');
  child.kill('SIGKILL');
  assert.deepEqual(await exited, [null, 'SIGKILL']);
}

/** The public table alone, as another program would make it. */
export const bareTable = `CREATE TABLE chat_events (id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL, seq INTEGER, timestamp TEXT,
  type TEXT NOT NULL, role TEXT, content TEXT, tool_calls TEXT, tool_call_id TEXT, model TEXT, usage TEXT, extra TEXT,
  token_count INTEGER, request_id TEXT)`;

/** Works round by round until the promise has settled. Returns the number of rounds. */
export async function meanwhile(promise: Promise<unknown>, round: (index: number) => Promise<void>): Promise<number> {
  const waiting = new Set([promise]);
  promise.finally(() => waiting.clear()).catch(() => undefined);
  let rounds = 0;
  for (; waiting.size > 0; rounds += 1) await round(rounds);
  return rounds;
}

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
    waiting: null,
    spent: { tokens: 0, cost: 0 },
    remember: null,
    isRetry: again,
  };
}
