/**
 * Checks a database of another program in the whole server: its messages are history, and the conversation continues.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { check } from '../../src/cli/check.ts';
import { says } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';
import { bareTable } from './support.ts';

test('a file with only the plain table is served: the model gets the earlier messages', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-adopted-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const database = join(folder, 'events.db');
  const other = new Database(database);
  other.exec(`${bareTable};
    CREATE UNIQUE INDEX one_request ON chat_events (conversation_id, request_id);
    INSERT INTO chat_events (id, conversation_id, seq, type, role, content, request_id) VALUES
      ('a', 'c1', 2, 'user_message', 'user', 'My name is Ada', 'old-1'),
      ('b', 'c1', 5, 'assistant_message', 'assistant', 'Hello Ada', NULL),
      ('c', 'c1', NULL, 'user_message', 'user', 'I like tea', NULL),
      ('d', 'c1', NULL, 'assistant_message', 'assistant', 'Noted', 'old-2')`);
  other.close();

  const { client, model } = await startScripted(t, { config: { repository: { path: database } } });
  model.script(says('You are Ada.'));
  const { frames, text } = await client.chat('Who am I?', { conversation_id: 'c1' }, 'r1');
  assert.equal(text, 'You are Ada.');
  assert.equal(frames[0]?.seq, 5);
  assert.deepEqual(
    model.requests[0]?.body.messages.slice(1).map(({ content }) => content),
    ['My name is Ada', 'Hello Ada', 'I like tea', 'Noted', 'Who am I?'],
  );
  const reused = await client.chat('Who am I?', { conversation_id: 'c1' }, 'old-1');
  assert.equal(reused.end.error?.code, 'request_id_reused');
  assert.equal(check(database).exitCode, 0);
});
