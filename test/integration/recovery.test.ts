/** What a kill -9 leaves behind is taken up by the next start, whether a client comes back or not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { textOf } from '../support/client.ts';
import { says, saysStepwise, stalls } from '../support/model-replies.ts';
import { startModelServer } from '../support/model-server.ts';
import { asks } from '../support/model-tool-calls.ts';
import { misbehavingServer } from '../support/parley.ts';
import { createHome, type HomeOptions } from '../support/server-process.ts';

async function scene(test: TestContext, options: HomeOptions = {}) {
  const model = await startModelServer();
  const home = await createHome(test, { modelUrl: model.url, ...options });
  test.after(async () => {
    await model.close();
    assert.deepEqual(model.violations, []);
  });
  return { model, home };
}

describe('after kill -9', () => {
  test('a turn in the middle of a stream is asked again without a client, and its sender finds the answer', async (t) => {
    const { model, home } = await scene(t);
    model.script(stalls('never '), says('The whole answer.'));
    const first = home.start();
    const client = await first.connect();
    client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
    const { chunk } = await client.waitFor((frame) => frame.chunk?.type === 'text');
    first.kill('SIGKILL');
    await once(client.socket, 'close');

    const second = home.start();
    await model.request(2);
    const back = await second.connect();
    const cursor = { after_seq: 1, message_id: chunk?.['message_id'], offset: 6 };
    back.send('chat', { text: 'Hi', conversation_id: 'c1', cursor }, 'r1');
    const turn = await back.turn('r1');
    const shape = turn.frames.map((frame) => frame.chunk?.type ?? frame.status);
    assert.equal(shape[0], 'processing');
    assert.equal(shape[1], 'reset', 'what was shown of the lost message is taken back');
    assert.equal(turn.text, 'The whole answer.');
  });

  test('a call that had been dispatched is not made again: its outcome is unknown, and the turn goes on', async (t) => {
    const { model, home } = await scene(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'hang' }]), says('I cannot tell.'));
    const first = home.start();
    const client = await first.connect();
    client.send('chat', { text: 'go', conversation_id: 'c1' }, 'r1');
    await client.waitFor((frame) => frame.chunk?.type === 'tool_call');
    first.kill('SIGKILL');
    await once(client.socket, 'close');

    const back = await home.start().connect();
    const turn = await back.chat('go', { conversation_id: 'c1' }, 'r1');
    assert.equal(turn.frames.find((frame) => frame.chunk?.type === 'tool_result')?.chunk?.['status'], 'outcome_unknown');
    assert.equal(turn.text, 'I cannot tell.');
    assert.equal(turn.end.metadata?.['tool_hops'], 1);
  });

  test('a call that is harmless to repeat is made once more', async (t) => {
    const { model, home } = await scene(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'slow', arguments: { ms: 700 } }]), says('Done.'));
    const first = home.start();
    const client = await first.connect();
    client.send('chat', { text: 'go', conversation_id: 'c1' }, 'r1');
    await client.waitFor((frame) => frame.chunk?.type === 'tool_call');
    first.kill('SIGKILL');
    await once(client.socket, 'close');

    const back = await home.start().connect();
    const turn = await back.chat('go', { conversation_id: 'c1' }, 'r1');
    assert.deepEqual(turn.frames.flatMap((frame) => (frame.chunk?.type === 'tool_result' ? [frame.chunk['status']] : [])), ['ok']);
    const history = await back.ask('history', { conversation_id: 'c1' });
    assert.match(JSON.stringify(history.result), /"attempt":2/);
  });

  test('a Stop that was answered holds', async (t) => {
    const { model, home } = await scene(t);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    const first = home.start();
    const client = await first.connect();
    client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
    step.release();
    await client.waitFor(() => textOf(client.frames) === 'one ');
    const cancel = client.send('cancel', { conversation_id: 'c1' });
    await client.waitFor((frame) => frame.request_id === cancel);
    first.kill('SIGKILL');
    await once(client.socket, 'close');

    const back = await home.start().connect();
    const turn = await back.chat('Hi', { conversation_id: 'c1' }, 'r1');
    assert.equal(turn.end.metadata?.['finish_reason'], 'cancelled');
    assert.equal(model.requests.length, 1, 'the model is not asked again');
  });

  test('a turn that the configuration will not take up ends with a reason', async (t) => {
    const { model, home } = await scene(t, { config: { chat: { websocket: { port: 0 }, service: { recovery: { mode: 'interrupt' } } } } });
    model.script(stalls('never '));
    const first = home.start();
    const client = await first.connect();
    client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
    await client.waitFor((frame) => frame.chunk?.type === 'text');
    first.kill('SIGKILL');
    await once(client.socket, 'close');

    const back = await home.start().connect();
    const turn = await back.chat('Hi', { conversation_id: 'c1' }, 'r1');
    assert.equal(turn.end.error?.code, 'recovery_failed');
    assert.match(turn.end.error?.message ?? '', /restarted.*new request_id/);
  });

  test('a turn that is cut off by every restart is given up', async (t) => {
    const { model, home } = await scene(t, { config: { chat: { websocket: { port: 0 }, service: { recovery: { attempts: 1 } } } } });
    model.script(() => stalls('never '));
    for (let start = 1; start <= 2; start += 1) {
      const server = home.start();
      const client = await server.connect();
      client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
      await model.request(start);
      await client.waitFor((frame) => frame.chunk?.type === 'text');
      server.kill('SIGKILL');
      await server.exited;
    }
    const back = await home.start().connect();
    const turn = await back.chat('Hi', { conversation_id: 'c1' }, 'r1');
    assert.equal(turn.end.error?.code, 'recovery_failed');
    assert.match(turn.end.error?.message ?? '', /cut off 2 times/);
  });
});

test('nothing but the log is needed to go on', async (t) => {
  const { model, home } = await scene(t);
  model.script(says('Hello.'));
  const server = home.start();
  await (await server.connect()).chat('Hi', { conversation_id: 'c1' });
  server.kill('SIGKILL');
  await server.exited;
  assert.ok(readFileSync(join(home.folder, 'events.db')).length > 0);
  const back = await home.start().connect();
  assert.equal((await back.ask('history', { conversation_id: 'c1' })).result?.['head_seq'], 3);
});
