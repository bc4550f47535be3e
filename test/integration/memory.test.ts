/** What a conversation remembers: across sockets, restarts, the token window; and many at once. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { says, saysStepwise } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';

describe('memory', () => {
  test('is the same for two sockets and after a restart', async (t) => {
    const { model, client, parley } = await startScripted(t);
    model.script(says('Hello Ada.'), says('Ada.'), says('Still Ada.'));
    await client.chat('My name is Ada', { conversation_id: 'c1' });
    const second = await parley.connect();
    await second.chat('What is my name?', { conversation_id: 'c1' });
    await parley.restart();
    const third = await parley.connect();
    await third.chat('And now?', { conversation_id: 'c1' });
    assert.deepEqual(
      model.requests[2]?.body.messages.slice(1).map(({ role, content }) => `${role}: ${String(content)}`),
      ['user: My name is Ada', 'assistant: Hello Ada.', 'user: What is my name?', 'assistant: Ada.', 'user: And now?'],
    );
    const history = await third.ask('history', { conversation_id: 'c1' });
    const events = history.result?.['events'];
    assert.ok(Array.isArray(events));
    assert.deepEqual(events.map((event) => event.seq), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(history.result?.['head_seq'], 9);
  });

  test('keeps whole turns within the window, tool pairs together', async (t) => {
    const { client, model } = await startScripted(t, {
      mcpServers: demoServer,
      config: { chat: { service: { context: { max_tokens: 400, reserve_tokens: 100, preserve_recent: 2 } } } },
    });
    for (let turn = 0; turn < 8; turn += 1) {
      model.script(asks([{ name: 'add', arguments: { a: turn, b: 1 } }]), says(`word `.repeat(20)));
      await client.chat(`turn ${turn}: ${'filler '.repeat(20)}`, { conversation_id: 'c1' });
    }
    const last = model.requests.at(-1)?.body.messages ?? [];
    assert.equal(last[0]?.role, 'system');
    assert.equal(last[1]?.role, 'user', 'the window begins with a whole turn');
    assert.ok(last.length > 4 && last.length < 25, `${last.length} messages`);
  });

  test('cuts an oversized message in the middle and says so', async (t) => {
    const { client, model } = await startScripted(t, { config: { chat: { service: { context: { max_tokens: 400, reserve_tokens: 100 } } } } });
    const { frames } = await client.chat(`BEGIN ${'long '.repeat(2000)} END`);
    assert.ok(frames.some((frame) => frame.chunk?.['kind'] === 'context_truncated'));
    const sent = String(model.requests[0]?.body.messages.at(-1)?.content);
    assert.ok(sent.startsWith('BEGIN') && sent.endsWith('END') && sent.includes('left out') && sent.length < 2500, `${sent.length}`);
  });

  test('lies in one table that people can query', async (t) => {
    const { client, parley } = await startScripted(t);
    await client.chat('Hi', { conversation_id: 'c1' });
    const database = new Database(parley.database, { readonly: true });
    t.after(() => database.close());
    const rows = database.prepare('SELECT seq, type, role, content FROM chat_events ORDER BY seq').raw().all();
    assert.deepEqual(rows.slice(0, 2), [[1, 'user_message', 'user', 'Hi'], [2, 'assistant_message', 'assistant', 'Hello from the scripted model.']]);
  });
});

describe('conversations', () => {
  test('many run at once, one turn at a time in each', async (t) => {
    const { client, model } = await startScripted(t);
    model.script((request) => says(`echo ${String(request.body.messages.at(-1)?.content)}`, { delayMs: 2 }));
    const turns = Array.from({ length: 40 }, (_, index) => client.chat(`t${index}`, { conversation_id: `c${index % 10}` }, `r${index}`));
    for (const [index, turn] of (await Promise.all(turns)).entries()) assert.equal(turn.text, `echo t${index}`);
    for (let conversation = 0; conversation < 10; conversation += 1) {
      const ends = client.frames.filter((frame) => frame.conversation_id === `c${conversation}` && frame.status === 'complete');
      assert.deepEqual(ends.map((frame) => frame.request_id), [0, 1, 2, 3].map((round) => `r${conversation + round * 10}`), 'in the order sent');
    }
  });

  test('a message behind a running turn is queued, told its place, and announced when it starts', async (t) => {
    const { client, model } = await startScripted(t);
    const step = saysStepwise('first');
    model.script(step.reply, says('second'));
    client.send('chat', { text: 'one', conversation_id: 'c1' }, 'r1');
    client.send('chat', { text: 'two', conversation_id: 'c1' }, 'r2');
    const queued = await client.waitFor((frame) => frame.request_id === 'r2');
    assert.deepEqual(queued.metadata, { disposition: 'queued', position: 1 });
    step.release();
    const second = await client.turn('r2');
    assert.equal(second.frames[1]?.chunk?.['kind'], 'started');
    assert.equal(second.text, 'second');
  });

  test('a queue that is full answers overloaded and loses nothing', async (t) => {
    const { client, model } = await startScripted(t, { config: { chat: { service: { queue_length: 2 } } } });
    const step = saysStepwise('first');
    model.script(step.reply);
    client.send('chat', { text: 'one', conversation_id: 'c1' }, 'r1');
    await model.request(1);
    for (const id of ['r2', 'r3', 'r4']) client.send('chat', { text: id, conversation_id: 'c1' }, id);
    const refused = await client.turn('r4');
    assert.equal(refused.end.error?.code, 'overloaded');
    assert.equal(typeof refused.end.error?.data['retry_after_ms'], 'number');
    step.release();
    await client.turn('r3');
  });

  test('queued messages survive a restart and are answered when somebody comes back', async (t) => {
    const { client, model, parley } = await startScripted(t, { config: { shutdown: { drain_timeout: 0.1 } } });
    const step = saysStepwise('never seen');
    model.script(step.reply, says('resumed'), says('second'), says('third'));
    client.send('chat', { text: 'one', conversation_id: 'c1' }, 'r1');
    client.send('chat', { text: 'two', conversation_id: 'c1' }, 'r2');
    await client.waitFor((frame) => frame.request_id === 'r2' && frame.status === 'processing');
    await parley.restart();
    const other = await parley.connect();
    assert.equal((await other.chat('three', { conversation_id: 'c1' }, 'r3')).text, 'third');
    assert.equal((await other.chat('one', { conversation_id: 'c1' }, 'r1')).text, 'resumed');
    assert.equal((await other.chat('two', { conversation_id: 'c1' }, 'r2')).text, 'second');
  });
});

test('the sqlite3 shell answers the question of the README while the server runs', { skip: !hasShell() && 'no sqlite3 shell here' }, async (t) => {
  const { client, parley } = await startScripted(t);
  await client.chat('Hi', { conversation_id: 'c1' });
  const query = 'SELECT conversation_id, COUNT(*) FROM chat_events GROUP BY conversation_id;';
  assert.equal(execFileSync('sqlite3', [parley.database, query], { encoding: 'utf8' }).trim(), 'c1|3');
});

function hasShell(): boolean {
  try {
    execFileSync('sqlite3', ['--version']);
    return true;
  } catch {
    return false;
  }
}
