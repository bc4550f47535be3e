/** An answer that is being written, in the file: while it is written and after a kill -9, until its row is there. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { saysStepwise } from '../support/model-replies.ts';
import { startModelServer } from '../support/model-server.ts';
import { createHome, eventually } from '../support/server-process.ts';

function draftsIn(database: string): unknown[] {
  const db = new Database(database, { readonly: true });
  try {
    return db.prepare('SELECT conversation_id, request_id, text, model FROM drafts').raw().all();
  } finally {
    db.close();
  }
}

/** Resolves when the one draft in the file is this text. */
const written = (database: string, text: string) =>
  eventually(() => JSON.stringify(draftsIn(database)) === JSON.stringify([['c1', 'r1', text, 'scripted-model']]), `the draft "${text}"`);

test('what a model has written of an answer survives a kill, and is gone when the answer is whole', async (t) => {
  const model = await startModelServer();
  t.after(() => model.close());
  const home = await createHome(t, { modelUrl: model.url, config: { chat: { websocket: { port: 0 }, service: { streaming: { draft_interval: 0.01 } } } } });
  const cutOff = saysStepwise('Half of ', 'what', ' was meant');
  const whole = saysStepwise('All of it', '.');
  model.script(cutOff.reply, whole.reply);
  const first = home.start();
  const client = await first.connect();
  client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
  for (const text of ['Half of ', 'Half of what']) {
    cutOff.release();
    await written(home.database, text);
  }
  first.kill('SIGKILL');
  await once(client.socket, 'close');
  assert.deepEqual(draftsIn(home.database), [['c1', 'r1', 'Half of what', 'scripted-model']]);

  const back = await home.start().connect();
  await model.request(2);
  whole.release();
  await written(home.database, 'All of it');
  whole.release();
  back.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
  await back.turn('r1');
  assert.deepEqual(draftsIn(home.database), []);
});
