/** Checks the stored draft of an answer: while it is streamed and after kill -9, until its row is stored. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { saysStepwise } from '../support/model/replies.ts';
import { eventually } from '../support/eventually.ts';
import { createScriptedTempHome } from '../support/temp-home.ts';
import { connectClient, withCode } from '../support/typed-client.ts';

const chat = ['Hi', { conversationId: 'c1', requestId: 'r1' }] as const;

function draftsIn(database: string): unknown[] {
  const db = new Database(database, { readonly: true });
  try {
    return db.prepare('SELECT conversation_id, request_id, text, model FROM drafts').raw().all();
  } finally {
    db.close();
  }
}

/** Resolves when the only draft in the file has this text. */
const written = (database: string, text: string) =>
  eventually(
    () => JSON.stringify(draftsIn(database)) === JSON.stringify([['c1', 'r1', text, 'scripted-model']]),
    `the draft "${text}"`,
  );

const homeOf = (t: TestContext, service: Record<string, unknown> = {}) =>
  createScriptedTempHome(t, { config: { chat: { service: { streaming: { draft_interval: 0.01 }, ...service } } } });

test('the draft of an answer survives kill -9, and is removed when the answer is complete', async (t) => {
  const { model, home } = await homeOf(t);
  const cutOff = saysStepwise('Half of ', 'what', ' was meant');
  const whole = saysStepwise('All of it', '.');
  model.script(cutOff.reply, whole.reply);
  const first = home.start();
  connectClient(t, await first.listening).chat(...chat);
  for (const text of ['Half of ', 'Half of what']) {
    cutOff.release();
    await written(home.database, text);
  }
  first.kill('SIGKILL');
  await first.exited;
  assert.deepEqual(draftsIn(home.database), [['c1', 'r1', 'Half of what', 'scripted-model']]);

  const back = connectClient(t, await home.start().listening);
  await model.request(2);
  whole.release();
  await written(home.database, 'All of it');
  whole.release();
  assert.equal(await back.chat(...chat).text(), 'All of it.');
  assert.deepEqual(draftsIn(home.database), []);
});

test('the draft stays as a partial answer if turns are not resumed', async (t) => {
  const { model, home } = await homeOf(t, { recovery: { mode: 'interrupt' } });
  const cutOff = saysStepwise('Half of ', 'what was meant');
  model.script(cutOff.reply);
  const first = home.start();
  connectClient(t, await first.listening).chat(...chat);
  cutOff.release();
  await written(home.database, 'Half of ');
  first.kill('SIGKILL');
  await first.exited;

  const back = connectClient(t, await home.start().listening);
  await assert.rejects(back.chat(...chat).end, withCode('recovery_failed'));
  const { events } = await back.history('c1');
  assert.deepEqual(events.map(({ role, content, extra }) => [role, content, extra?.['partial']]).slice(0, 2), [
    ['user', 'Hi', undefined],
    ['assistant', 'Half of ', true],
  ]);
  assert.deepEqual(draftsIn(home.database), []);
});
