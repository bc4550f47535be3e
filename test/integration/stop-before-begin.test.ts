/** Stop for a chat that has no place in its conversation yet, because something is still being looked up for it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerMemos } from '../support/mcp-memos.ts';
import { says, stalls } from '../support/model-replies.ts';
import { eventually } from '../support/server-process.ts';
import { hear, startTyped, withCode } from '../support/typed-client.ts';

const today = { server: 'memos', uri: 'memo://today' };

/** A server whose resources are read when the test says so. */
async function startSlowMemos(test: TestContext) {
  const reading = { begun: 0, ...Promise.withResolvers<string>() };
  const read = () => {
    reading.begun += 1;
    return reading.promise;
  };
  const memos = await startHttpServer({ era: 'stateless', offer: (server) => offerMemos(server, read) });
  test.after(memos.stop);
  return { reading, ...(await startTyped(test, { mcpServers: { memos: { url: memos.url } } })) };
}

const stopped = { cancelled: ['r1'], disposition: 'cancelled' };

for (const target of ['r1', undefined]) {
  test(`waits for the chat that it means, ${target ? 'by its name' : 'for nothing else runs'}, and the model is not asked`, async (t) => {
    const { client, model, reading } = await startSlowMemos(t);
    const turn = client.chat('What is to be done?', { conversationId: 'c1', requestId: 'r1', resources: [today] });
    await eventually(() => reading.begun > 0, 'the server to be asked');
    const answer = client.cancel('c1', target);
    reading.resolve('Buy bread.');
    assert.deepEqual(await answer, stopped);
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
    assert.equal(model.requests.length, 0);
    const [message] = (await client.history('c1')).events;
    assert.equal(message?.content, 'What is to be done?', 'what was stopped is in the log');
  });
}

test('without a name means the turn that runs before one that is still coming', async (t) => {
  const { client, model, reading } = await startSlowMemos(t);
  model.script(stalls('Once '), says('Bread.'));
  const running = client.chat('a story', { conversationId: 'c1', requestId: 'r1' });
  await hear(running, 'Once ');
  const coming = client.chat('What is to be done?', { conversationId: 'c1', requestId: 'r2', resources: [today] });
  await eventually(() => reading.begun > 0, 'the server to be asked');
  assert.deepEqual(await client.cancel('c1'), stopped, 'at once');
  reading.resolve('Buy bread.');
  assert.equal(await coming.text(), 'Bread.');
});

test('for a chat whose resource cannot be read finds nothing to stop', async (t) => {
  const { client, reading } = await startSlowMemos(t);
  const turn = client.chat('What is to be done?', { conversationId: 'c1', requestId: 'r1', resources: [today] });
  await eventually(() => reading.begun > 0, 'the server to be asked');
  const answer = client.cancel('c1', 'r1');
  reading.reject(new Error('the page is torn'));
  await assert.rejects(turn.end, withCode('mcp_refused'));
  assert.deepEqual(await answer, { cancelled: [], disposition: 'nothing_running' });
});
