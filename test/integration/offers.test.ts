/** Prompts and resources from the outside: real MCP servers of both eras, listed, filled in, completed and read. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../support/client.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerMemos } from '../support/mcp-offers.ts';
import { demoServer, startParley } from '../support/parley.ts';

const LOOK_AGAIN_MS = 20;

async function startMemos(test: TestContext, era: 'sessions' | 'stateless') {
  const memos = await startHttpServer({ era, offer: offerMemos });
  test.after(memos.stop);
  const parley = await startParley(test, { mcpServers: { memos: { url: memos.url }, ...demoServer } });
  return { memos, client: await parley.connect() };
}

const resultOf = async (client: Client, action: string, payload: object = {}) => (await client.ask(action, payload)).result;
const faultOf = async (client: Client, action: string, payload: object = {}) => (await client.ask(action, payload)).error;

for (const [era, told] of [['sessions', '2025-11-25'], ['stateless', '2026-07-28']] as const) {
  describe(`servers of ${told}`, () => {
    test('list their prompts, which are filled in with arguments', async (t) => {
      const { client } = await startMemos(t, era);
      const listed = await resultOf(client, 'prompts');
      assert.deepEqual(Array.from(Object(listed?.['prompts']), ({ server, name }) => `${server} ${name}`), ['memos weather', 'memos greet', 'memos thank', 'demo summarize']);
      assert.deepEqual(Object(listed?.['prompts'])[0], {
        server: 'memos', name: 'weather', title: 'Weather', description: 'Asks for the weather.',
        arguments: [{ name: 'city', description: '', required: true }, { name: 'days', description: '', required: false }],
      });
      const filled = await resultOf(client, 'get_prompt', { server: 'memos', name: 'weather', arguments: { city: 'Graz' } });
      assert.deepEqual(Array.from(Object(filled?.['messages']), ({ role, text }) => [role, text]), [
        ['user', 'What will the weather in Graz be for 1 days?'],
        ['assistant', 'In which unit?'],
        ['user', '[image: image/png, 3 bytes]'],
      ]);
    });

    test('list their resources and templates, which are read', async (t) => {
      const { client } = await startMemos(t, era);
      const listed = await resultOf(client, 'resources', { server: 'memos' });
      assert.deepEqual(Array.from(Object(listed?.['resources']), ({ uri }) => uri), ['memo://today', 'memo://picture', 'memo://broken']);
      assert.deepEqual(listed?.['templates'], [{ server: 'memos', uri_template: 'memo://of/{day}', name: 'of a day', title: null, description: 'Of any day.', mime_type: null }]);
      const read = (uri: string) => resultOf(client, 'read_resource', { server: 'memos', uri });
      assert.deepEqual(await read('memo://today'), { contents: [{ uri: 'memo://today', mime_type: 'text/plain', text: 'Buy bread.', blob: null }] });
      assert.deepEqual(await read('memo://picture'), { contents: [{ uri: 'memo://picture', mime_type: 'image/png', text: null, blob: 'AAAA' }] });
      assert.deepEqual(await read('memo://of/friday'), { contents: [{ uri: 'memo://of/friday', mime_type: null, text: 'On friday: nothing.', blob: null }] });
    });

    test('complete the arguments of prompts and the variables of templates', async (t) => {
      const { client } = await startMemos(t, era);
      const ofPrompt = { server: 'memos', prompt: 'weather', argument: { name: 'city', value: 'W' }, known: { days: '2' } };
      assert.deepEqual(await resultOf(client, 'complete_argument', ofPrompt), { values: ['Wien', 'Wels'], total: 2, has_more: false });
      const ofTemplate = { server: 'memos', uri_template: 'memo://of/{day}', argument: { name: 'day', value: 's' } };
      assert.deepEqual(await resultOf(client, 'complete_argument', ofTemplate), { values: ['sunday'], total: 1, has_more: false });
    });

    test('refuse what they do not have or cannot do, in their own words', async (t) => {
      const { client } = await startMemos(t, era);
      const unknown = await faultOf(client, 'get_prompt', { server: 'memos', name: 'nonsense' });
      assert.equal(unknown?.code, 'mcp_refused');
      assert.match(unknown?.message ?? '', /"memos" refused: .*nonsense/);
      const broken = await faultOf(client, 'read_resource', { server: 'memos', uri: 'memo://broken' });
      assert.deepEqual([broken?.code, broken?.data], ['mcp_refused', { server: 'memos' }]);
    });
  });
}

test('lists go page by page, and a page follows the one before', async (t) => {
  const { client } = await startMemos(t, 'stateless');
  const names: string[] = [];
  let cursor: unknown;
  do {
    const page = await resultOf(client, 'prompts', { limit: 3, ...(cursor ? { cursor } : {}) });
    names.push(Array.from(Object(page?.['prompts']), ({ name }) => name).join(' '));
    cursor = page?.['next_cursor'];
  } while (cursor);
  assert.deepEqual(names, ['weather greet thank', 'summarize']);
  const mixed = await resultOf(client, 'resources', { server: 'memos', limit: 2 });
  const rest = await resultOf(client, 'resources', { server: 'memos', limit: 2, cursor: mixed?.['next_cursor'] });
  assert.deepEqual([Object(rest?.['resources']).length, Object(rest?.['templates']).length, rest?.['next_cursor']], [1, 1, null]);
  const lost = await faultOf(client, 'prompts', { cursor: 'never given' });
  assert.deepEqual([lost?.code, lost?.data], ['invalid_request', { path: 'payload.cursor' }]);
});

test('a list that has changed is read anew', async (t) => {
  let more = false;
  const memos = await startHttpServer({
    era: 'stateless',
    offer(server) {
      offerMemos(server);
      if (more) server.registerPrompt('late', {}, () => ({ messages: [] }));
    },
  });
  t.after(memos.stop);
  const client = await (await startParley(t, { mcpServers: { memos: { url: memos.url } } })).connect();
  const count = async () => Object((await resultOf(client, 'prompts'))?.['prompts']).length;
  assert.equal(await count(), 3);
  more = true;
  assert.equal(await count(), 3, 'kept until the server says so');
  memos.announce.promptsChanged();
  while ((await count()) === 3) await pause(LOOK_AGAIN_MS);
  assert.equal(await count(), 4);
});

test('a server that is away is left out of the lists, and its state told', async (t) => {
  const parley = await startParley(t, { mcpServers: { ...demoServer, away: { command: 'no-such-program' } } });
  const client = await parley.connect();
  const listed = await resultOf(client, 'resources');
  assert.deepEqual(Array.from(Object(listed?.['resources']), ({ uri }) => uri), ['parley://about']);
  assert.deepEqual(Array.from(Object(listed?.['servers']), ({ name, state }) => [name, state === 'ready']), [['demo', true], ['away', false]]);
  const nobody = await faultOf(client, 'read_resource', { server: 'nobody', uri: 'memo://x' });
  assert.deepEqual([nobody?.code, nobody?.data], ['invalid_request', { path: 'payload.server' }]);
});

test('what to complete is either a prompt or a template', async (t) => {
  const client = await (await startParley(t)).connect();
  const argument = { name: 'city', value: '' };
  for (const subject of [{}, { prompt: 'p', uri_template: 't' }]) {
    assert.equal((await faultOf(client, 'complete_argument', { server: 'memos', argument, ...subject }))?.code, 'invalid_request');
  }
});
