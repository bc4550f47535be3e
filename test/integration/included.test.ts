/** Chats that bring a prompt or resources of MCP servers along: what the model reads, and that it stays so. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Client } from '../support/client.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerMemos } from '../support/mcp-offers.ts';
import type { ModelServer } from '../support/model-server.ts';
import { says } from '../support/model-replies.ts';
import { startScripted } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const c1 = { conversation_id: 'c1' };
const today = { server: 'memos', uri: 'memo://today' };

async function startMemos(test: TestContext, config: Record<string, unknown> = {}, readable: Promise<void> = Promise.resolve()) {
  const reads: string[] = [];
  const read = (uri: string) => {
    const text = `Buy bread, read ${reads.push(uri)}.`;
    return readable.then(() => text);
  };
  const memos = await startHttpServer({ era: 'stateless', offer: (server) => offerMemos(server, read) });
  test.after(memos.stop);
  return { reads, memos, ...(await startScripted(test, { mcpServers: { memos: { url: memos.url } }, config })) };
}

const lastRequest = ({ requests }: ModelServer) => requests.at(-1)?.body.messages.filter(({ role }) => role !== 'system').map(({ role, content }) => [role, content]);
const eventsOf = async (client: Client) => Array.from<{ type: string; content: string; token_count: number; extra: Record<string, unknown> }>(Object((await client.ask('history', c1)).result?.['events']));

describe('a chat', () => {
  test('with resources is read by the model after them', async (t) => {
    const { client, model } = await startMemos(t);
    model.script(says('Bread.'));
    const turn = await client.chat('What is to be done?', { ...c1, resources: [today, { server: 'memos', uri: 'memo://picture' }] });
    assert.equal(turn.text, 'Bread.');
    assert.deepEqual(lastRequest(model), [['user', '[resource: memo://today]\nBuy bread, read 1.\n\n[resource: memo://picture, image/png, 3 bytes]\n\nWhat is to be done?']]);
    const [message] = await eventsOf(client);
    assert.equal(message?.content, 'What is to be done?');
    assert.deepEqual(message?.extra['included'], [
      { role: 'user', text: '[resource: memo://today]\nBuy bread, read 1.', from: today },
      { role: 'user', text: '[resource: memo://picture, image/png, 3 bytes]', from: { server: 'memos', uri: 'memo://picture' } },
    ]);
    assert.ok(Number(message?.token_count) > 30, 'counted with all that it brings along');
  });

  test('with a prompt goes on from its messages', async (t) => {
    const { client, model } = await startMemos(t);
    model.script(says('Sun.'), says('Welcome.'));
    await client.chat('In Celsius.', { ...c1, prompt: { server: 'memos', name: 'weather', arguments: { city: 'Graz' } } });
    assert.deepEqual(lastRequest(model), [
      ['user', 'What will the weather in Graz be for 1 days?'],
      ['assistant', 'In which unit?'],
      ['user', '[image: image/png, 3 bytes]\n\nIn Celsius.'],
    ]);
    const id = client.send('chat', { ...c1, prompt: { server: 'memos', name: 'greet' } });
    assert.equal((await client.turn(id)).text, 'Welcome.', 'the last words of a prompt are the message');
    assert.deepEqual(lastRequest(model)?.at(-1), ['user', 'greet']);
  });

  test('is told of later as it was sent: to the next turn, and after a restart', async (t) => {
    const { parley, client, model, reads } = await startMemos(t);
    model.script(says('Bread.'), says('Still bread.'));
    await client.chat('What is to be done?', { ...c1, resources: [today] }, 'r1');
    await parley.restart();
    const after = await parley.connect();
    await after.chat('And now?', c1);
    assert.deepEqual(lastRequest(model)?.[0], ['user', '[resource: memo://today]\nBuy bread, read 1.\n\nWhat is to be done?']);
    const again = await after.chat('What is to be done?', { ...c1, resources: [today] }, 'r1');
    assert.equal(again.end.metadata?.['replayed'], true);
    assert.deepEqual(reads, ['memo://today'], 'read once');
    const other = await (await parley.connect()).chat('What is to be done?', c1, 'r1');
    assert.equal(other.end.error?.code, 'request_id_reused');
  });

  test('that names what cannot be had is refused, and nothing is stored', async (t) => {
    const { client, model } = await startMemos(t, { chat: { service: { max_text_length: 60 } } });
    const refusal = async (payload: object) => {
      const id = client.send('chat', { text: 'Hi', ...c1, ...payload });
      const { error } = (await client.turn(id)).end;
      return [error?.code, error?.data];
    };
    assert.deepEqual(await refusal({ resources: [{ server: 'memos', uri: 'memo://broken' }] }), ['mcp_refused', { server: 'memos' }]);
    assert.deepEqual(await refusal({ resources: [{ server: 'nobody', uri: 'memo://x' }] }), ['invalid_request', { path: 'payload.resources' }]);
    assert.deepEqual(await refusal({ prompt: { server: 'memos', name: 'nonsense' } }), ['mcp_refused', { server: 'memos' }]);
    assert.deepEqual(await refusal({ resources: [today, today] }), ['invalid_request', { path: 'payload' }]);
    assert.equal((await client.ask('history', c1)).error?.code, 'not_found');
    assert.deepEqual(model.requests, []);
  });

  test('that is asked again brings along what it brought, as it was read; one that is edited does not', async (t) => {
    const { client, model, reads } = await startMemos(t);
    model.script(says('Bread.'), says('Bread, as I said.'), says('Bread again.'), says('Nothing.'));
    await client.chat('What is to be done?', { ...c1, resources: [today] });
    const sent = lastRequest(model);
    const again = client.send('chat', { ...c1, rewind_to: 1 });
    const [second] = (await client.turn(again)).frames;
    assert.deepEqual(lastRequest(model), sent);
    const [third] = (await client.turn(client.send('chat', { ...c1, rewind_to: second?.seq }))).frames;
    assert.deepEqual(lastRequest(model), sent);
    assert.deepEqual(reads, ['memo://today'], 'read once');
    assert.equal((await eventsOf(client)).filter(({ extra }) => extra['included'] !== undefined).length, 3);
    await client.turn(client.send('chat', { text: 'Hm?', ...c1, rewind_to: third?.seq }));
    assert.deepEqual(lastRequest(model), [['user', 'Hm?']]);
  });

  test('has its place in the conversation once all is read: what is sent meanwhile goes before it', async (t) => {
    const readable = Promise.withResolvers<void>();
    const { client, reads } = await startMemos(t, {}, readable.promise);
    client.send('chat', { text: 'What is to be done?', ...c1, resources: [today] }, 'r1');
    await eventually(() => reads.length > 0, 'the server to be asked');
    await client.chat('Hello?', c1, 'r2');
    readable.resolve();
    await client.turn('r1');
    const messages = (await eventsOf(client)).filter(({ type }) => type === 'user_message');
    assert.deepEqual(messages.map(({ content }) => content), ['Hello?', 'What is to be done?']);
  });

  test('in the place of another may bring something along too', async (t) => {
    const { client, model } = await startMemos(t);
    model.script(says('Nothing.'), says('Bread.'));
    await client.chat('What is to be done?', c1);
    const id = client.send('chat', { ...c1, rewind_to: 1, resources: [today] });
    await client.turn(id);
    assert.deepEqual(lastRequest(model), [['user', '[resource: memo://today]\nBuy bread, read 1.\n\nWhat is to be done?']]);
  });
});
