/**
 * Checks the history of a conversation across sockets, restarts and the token window, and many conversations at once.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { ParleyError } from '../../src/client/errors.ts';
import { says, saysStepwise } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { connectClient, readAll, startTyped } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };

describe('the history of a conversation', () => {
  test('is the same for two sockets and after a restart', async (t) => {
    const { model, client, parley } = await startTyped(t);
    model.script(says('Hello Ada.'), says('Ada.'), says('Still Ada.'));
    await client.chat('My name is Ada', inC1).end;
    await connectClient(t, parley.url).chat('What is my name?', inC1).end;
    await parley.restart();
    const third = connectClient(t, parley.url);
    await third.chat('And now?', inC1).end;
    assert.deepEqual(
      model.requests[2]?.body.messages.slice(1).map(({ role, content }) => `${role}: ${String(content)}`),
      ['user: My name is Ada', 'assistant: Hello Ada.', 'user: What is my name?', 'assistant: Ada.', 'user: And now?'],
    );
    const { events, head_seq: head } = await third.history('c1');
    assert.deepEqual([events.map(({ seq }) => seq), head], [[1, 2, 3, 4, 5, 6, 7, 8, 9], 9]);
  });

  test('keeps whole turns within the window, with calls and results together', async (t) => {
    const { client, model } = await startTyped(t, {
      mcpServers: demoServer,
      config: { chat: { service: { context: { max_tokens: 400, reserve_tokens: 100, preserve_recent: 2 } } } },
    });
    for (let turn = 0; turn < 8; turn += 1) {
      model.script(asks([{ name: 'add', arguments: { a: turn, b: 1 } }]), says(`word `.repeat(20)));
      await client.chat(`turn ${turn}: ${'filler '.repeat(20)}`, inC1).end;
    }
    const last = model.requests.at(-1)?.body.messages ?? [];
    assert.equal(last[0]?.role, 'system');
    assert.equal(last[1]?.role, 'user', 'the window begins with a whole turn');
    assert.ok(last.length > 4 && last.length < 25, `${last.length} messages`);
  });

  test('has a notice where an oversized message was cut in the middle', async (t) => {
    const { client, model } = await startTyped(t, {
      config: { chat: { service: { context: { max_tokens: 400, reserve_tokens: 100 } } } },
    });
    const chunks = await readAll(client.chat(`BEGIN ${'long '.repeat(2000)} END`));
    assert.ok(chunks.some((chunk) => chunk.type === 'notice' && chunk.kind === 'context_truncated'));
    const sent = String(model.requests[0]?.body.messages.at(-1)?.content);
    assert.ok(
      sent.startsWith('BEGIN') && sent.endsWith('END') && sent.includes('left out') && sent.length < 2500,
      `${sent.length}`,
    );
  });

  test('is in one table that users can query', async (t) => {
    const { client, parley } = await startTyped(t);
    await client.chat('Hi', inC1).end;
    const database = new Database(parley.database, { readonly: true });
    t.after(() => database.close());
    const rows = database.prepare('SELECT seq, type, role, content FROM chat_events ORDER BY seq').raw().all();
    assert.deepEqual(rows.slice(0, 2), [
      [1, 'user_message', 'user', 'Hi'],
      [2, 'assistant_message', 'assistant', 'Hello from the scripted model.'],
    ]);
  });
});

describe('the server', () => {
  test('runs many conversations at once, one turn at a time in each', async (t) => {
    const { client, model } = await startTyped(t);
    model.script((request) => says(`echo ${String(request.body.messages.at(-1)?.content)}`, { delayMs: 2 }));
    const turns = Array.from({ length: 40 }, (_, index) =>
      client.chat(`t${index}`, { conversationId: `c${index % 10}`, requestId: `r${index}` }),
    );
    for (const [index, turn] of turns.entries()) assert.equal(await turn.text(), `echo t${index}`);
    for (let conversation = 0; conversation < 10; conversation += 1) {
      const ends = client.frames.flatMap((frame) =>
        frame.status === 'complete' && frame.conversation_id === `c${conversation}` ? [frame.request_id] : [],
      );
      assert.deepEqual(
        ends,
        [0, 1, 2, 3].map((round) => `r${conversation + round * 10}`),
        'in the order sent',
      );
    }
  });

  test('queues a message behind a running turn, reports its position, and announces its start', async (t) => {
    const { client, model } = await startTyped(t);
    const step = saysStepwise('first');
    model.script(step.reply, says('second'));
    client.chat('one', inC1);
    const second = client.chat('two', inC1);
    assert.deepEqual(await second.accepted, { seq: 2, disposition: 'queued', position: 1 });
    step.release();
    assert.partialDeepStrictEqual((await readAll(second))[0], { type: 'notice', kind: 'started' });
    assert.equal(await second.text(), 'second');
  });

  test('rejects a chat with overloaded when the queue is full, and loses nothing', async (t) => {
    const { parley, client, model } = await startTyped(t, { config: { chat: { service: { queue_length: 2 } } } });
    const step = saysStepwise('first');
    model.script(step.reply);
    client.chat('one', inC1);
    await model.request(1);
    client.chat('two', inC1);
    const last = client.chat('three', inC1);
    await last.accepted;
    await assert.rejects(connectClient(t, parley.url, { retryTimeoutMs: 0 }).chat('four', inC1).end, (error) => {
      assert.ok(error instanceof ParleyError);
      assert.deepEqual([error.code, typeof error.data['retry_after_ms']], ['overloaded', 'number']);
      return true;
    });
    step.release();
    await last.end;
  });

  test('keeps queued messages over a restart and answers them when a client returns', async (t) => {
    const { client, model, parley } = await startTyped(t, { config: { shutdown: { drain_timeout: 0.1 } } });
    const step = saysStepwise('never seen');
    model.script(step.reply, says('resumed'), says('second'), says('third'));
    client.chat('one', { ...inC1, requestId: 'r1' });
    await client.chat('two', { ...inC1, requestId: 'r2' }).accepted;
    await parley.restart();
    const other = connectClient(t, parley.url);
    assert.equal(await other.chat('three', { ...inC1, requestId: 'r3' }).text(), 'third');
    assert.equal(await other.chat('one', { ...inC1, requestId: 'r1' }).text(), 'resumed');
    assert.equal(await other.chat('two', { ...inC1, requestId: 'r2' }).text(), 'second');
  });
});

test(
  "the sqlite3 shell answers the README's query while the server runs",
  { skip: !hasShell() && 'no sqlite3 shell here' },
  async (t) => {
    const { client, parley } = await startTyped(t);
    await client.chat('Hi', inC1).end;
    const query = 'SELECT conversation_id, COUNT(*) FROM chat_events GROUP BY conversation_id;';
    assert.equal(execFileSync('sqlite3', [parley.database, query], { encoding: 'utf8' }).trim(), 'c1|3');
  },
);

function hasShell(): boolean {
  try {
    execFileSync('sqlite3', ['--version']);
    return true;
  } catch {
    return false;
  }
}
