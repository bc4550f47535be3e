/**
 * Checks chats that name a model: it is used if the configuration allows it, else the chat is rejected before anything
 * is stored.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { cuts, fails, hangs, says } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { startTyped, withCode } from '../support/typed-client.ts';

const c1 = { conversationId: 'c1' };

/** A server whose only provider has the model `usual` and allows chats to name `clever`. */
const startChoice = (t: TestContext, config: Record<string, unknown> = {}) =>
  startTyped(t, {
    mcpServers: demoServer,
    config: {
      shutdown: { drain_timeout: 0.1 },
      llm: { providers: { scripted: { model: 'usual', allowed_models: ['clever'] } }, ...config },
    },
  });

test('a chat is answered by the model that it names, in each hop, and the next chat by the usual model', async (t) => {
  const { client, model } = await startChoice(t);
  model.script(asks([{ name: 'add', arguments: { a: 1, b: 2 } }]), says('Three.'), says('As usual.'));
  await client.chat('1 + 2?', { ...c1, model: 'clever' }).end;
  await client.chat('And now?', c1).end;
  assert.deepEqual(
    model.requests.map(({ body }) => body.model),
    ['clever', 'clever', 'usual'],
  );
});

test('a model that is not allowed is rejected with the path, and nothing is stored', async (t) => {
  const { client, model } = await startChoice(t);
  await assert.rejects(client.chat('Hi', { ...c1, model: 'costly' }).end, {
    code: 'invalid_request',
    data: { path: 'payload.model' },
    message: /allowed_models.*usual, clever/,
  });
  await assert.rejects(client.history('c1'), withCode('not_found'));
  assert.equal(model.requests.length, 0);
});

test('a turn that a restart interrupted is resumed with the model that its message names', async (t) => {
  const { parley, client, model } = await startChoice(t);
  model.script(hangs(), says('Here I am.'));
  client.chat('Hi', { ...c1, model: 'clever' });
  await model.request(1);
  await parley.restart();
  assert.equal((await model.request(2)).body.model, 'clever');
});

test('a fallback answers with its own model unless it allows the named one', async (t) => {
  const spare = await startModelServer();
  t.after(() => spare.close());
  const { client, model } = await startChoice(t, {
    fallback: ['spare', 'other'],
    providers: {
      scripted: { model: 'usual', allowed_models: ['clever'] },
      spare: { base_url: spare.url, model: 'spare-model' },
      other: { base_url: spare.url, model: 'other-model', allowed_models: ['clever'] },
    },
  });
  model.script(fails(401, 'no'));
  spare.script(cuts('torn'), fails(401, 'no'), says('At last.'));
  assert.equal(await client.chat('Hi', { ...c1, model: 'clever' }).text(), 'At last.');
  assert.deepEqual(
    spare.requests.map(({ body }) => body.model),
    ['spare-model', 'spare-model', 'clever'],
  );
});
