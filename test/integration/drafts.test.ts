/** An answer that is being written, in the file: while it is written and after a kill -9, until its row is there. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
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

async function homeOf(t: TestContext, service: Record<string, unknown> = {}) {
  const model = await startModelServer();
  t.after(() => model.close());
  const home = await createHome(t, { modelUrl: model.url, config: { chat: { websocket: { port: 0 }, service: { streaming: { draft_interval: 0.01 }, ...service } } } });
  return { model, home };
}

test('what a model has written of an answer survives a kill, and is gone when the answer is whole', async (t) => {
  const { model, home } = await homeOf(t);
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

test('where turns are not taken up again, what was written stays as the answer, as far as it came', async (t) => {
  const { model, home } = await homeOf(t, { recovery: { mode: 'interrupt' } });
  const cutOff = saysStepwise('Half of ', 'what was meant');
  model.script(cutOff.reply);
  const first = home.start();
  const client = await first.connect();
  client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
  cutOff.release();
  await written(home.database, 'Half of ');
  first.kill('SIGKILL');
  await once(client.socket, 'close');

  const back = await home.start().connect();
  const { end } = await back.chat('Hi', { conversation_id: 'c1' }, 'r1');
  assert.equal(end.error?.code, 'recovery_failed');
  const { result } = await back.ask('history', { conversation_id: 'c1' });
  const rows: unknown = result?.['events'];
  assert.ok(Array.isArray(rows));
  assert.deepEqual(rows.map(({ role, content, extra }) => [role, content, extra?.partial]).slice(0, 2), [['user', 'Hi', undefined], ['assistant', 'Half of ', true]]);
  assert.deepEqual(draftsIn(home.database), []);
});
