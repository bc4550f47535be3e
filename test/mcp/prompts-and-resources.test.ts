/** Checks prompts and resources of real MCP servers of both eras: listed, rendered, completed and read. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerMemos } from '../support/mcp-memos.ts';
import { demoServer, startParley } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { connectClient, withCode, type RecordedClient } from '../support/typed-client.ts';

const startClient = async (test: TestContext, mcpServers: Record<string, unknown>) =>
  connectClient(test, (await startParley(test, { mcpServers })).url);

async function startMemos(test: TestContext, era: 'sessions' | 'stateless'): Promise<RecordedClient> {
  const memos = await startHttpServer({ era, offer: offerMemos });
  test.after(memos.stop);
  return startClient(test, { memos: { url: memos.url }, ...demoServer });
}

for (const [era, revision] of [
  ['sessions', '2025-11-25'],
  ['stateless', '2026-07-28'],
] as const) {
  describe(`servers of ${revision}`, () => {
    test('list their prompts, and render them with arguments', async (t) => {
      const client = await startMemos(t, era);
      const { prompts } = await client.prompts();
      assert.deepEqual(
        prompts.map(({ server, name }) => `${server} ${name}`),
        ['memos weather', 'memos greet', 'memos thank', 'demo summarize'],
      );
      assert.deepEqual(prompts[0], {
        server: 'memos',
        name: 'weather',
        title: 'Weather',
        description: 'Asks for the weather.',
        arguments: [
          { name: 'city', description: '', required: true },
          { name: 'days', description: '', required: false },
        ],
      });
      const { messages } = await client.getPrompt('memos', 'weather', { city: 'Graz' });
      assert.deepEqual(
        messages.map(({ role, text }) => [role, text]),
        [
          ['user', 'What will the weather in Graz be for 1 days?'],
          ['assistant', 'In which unit?'],
          ['user', '[image: image/png, 3 bytes]'],
        ],
      );
    });

    test('list their resources and templates, and read them', async (t) => {
      const client = await startMemos(t, era);
      const { resources, templates } = await client.resources({ server: 'memos' });
      assert.deepEqual(
        resources.map(({ uri }) => uri),
        ['memo://today', 'memo://picture', 'memo://broken'],
      );
      assert.deepEqual(templates, [
        {
          server: 'memos',
          uri_template: 'memo://of/{day}',
          name: 'of a day',
          title: null,
          description: 'Of any day.',
          mime_type: null,
        },
      ]);
      const read = (uri: string) => client.readResource('memos', uri);
      assert.deepEqual(await read('memo://today'), {
        contents: [{ uri: 'memo://today', mime_type: 'text/plain', text: 'Buy bread.', blob: null }],
      });
      assert.deepEqual(await read('memo://picture'), {
        contents: [{ uri: 'memo://picture', mime_type: 'image/png', text: null, blob: 'AAAA' }],
      });
      assert.deepEqual(await read('memo://of/friday'), {
        contents: [{ uri: 'memo://of/friday', mime_type: null, text: 'On friday: nothing.', blob: null }],
      });
    });

    test('complete the arguments of prompts and the variables of templates', async (t) => {
      const client = await startMemos(t, era);
      const ofPrompt = { prompt: 'weather', argument: { name: 'city', value: 'W' }, known: { days: '2' } };
      assert.deepEqual(await client.completeArgument('memos', ofPrompt), {
        values: ['Wien', 'Wels'],
        total: 2,
        has_more: false,
      });
      const ofTemplate = { uriTemplate: 'memo://of/{day}', argument: { name: 'day', value: 's' } };
      assert.deepEqual(await client.completeArgument('memos', ofTemplate), {
        values: ['sunday'],
        total: 1,
        has_more: false,
      });
    });

    test('report unknown names and missing abilities in their own words', async (t) => {
      const client = await startMemos(t, era);
      await assert.rejects(client.getPrompt('memos', 'nonsense'), {
        code: 'mcp_refused',
        message: /"memos" refused: .*nonsense/,
      });
      await assert.rejects(client.readResource('memos', 'memo://broken'), {
        code: 'mcp_refused',
        data: { server: 'memos' },
      });
    });
  });
}

test('a list is paged, and each page continues the one before', async (t) => {
  const client = await startMemos(t, 'stateless');
  const names: string[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await client.prompts({ limit: 3, ...(cursor ? { cursor } : {}) });
    names.push(page.prompts.map(({ name }) => name).join(' '));
    cursor = page.next_cursor;
  } while (cursor);
  assert.deepEqual(names, ['weather greet thank', 'summarize']);
  const mixed = await client.resources({ server: 'memos', limit: 2 });
  const rest = await client.resources({ server: 'memos', limit: 2, cursor: mixed.next_cursor ?? '' });
  assert.deepEqual([rest.resources.length, rest.templates.length, rest.next_cursor], [1, 1, null]);
  await assert.rejects(client.prompts({ cursor: 'never given' }), {
    code: 'invalid_request',
    data: { path: 'payload.cursor' },
  });
});

test('a changed list is read again', async (t) => {
  let more = false;
  const memos = await startHttpServer({
    era: 'stateless',
    offer(server) {
      offerMemos(server);
      if (more) server.registerPrompt('late', {}, () => ({ messages: [] }));
    },
  });
  t.after(memos.stop);
  const client = await startClient(t, { memos: { url: memos.url } });
  const count = async () => (await client.prompts()).prompts.length;
  assert.equal(await count(), 3);
  more = true;
  assert.equal(await count(), 3, 'kept until the server says so');
  memos.announce.promptsChanged();
  assert.equal(await eventually(async () => (await count()) > 3 && count(), 'the new list'), 4);
});

test('an unavailable server is left out of the lists, and its state is reported', async (t) => {
  const client = await startClient(t, { ...demoServer, away: { command: 'no-such-program' } });
  const { resources, servers } = await client.resources();
  assert.deepEqual(
    resources.map(({ uri }) => uri),
    ['parley://about'],
  );
  assert.deepEqual(
    servers.map(({ name, state }) => [name, state === 'ready']),
    [
      ['demo', true],
      ['away', false],
    ],
  );
  await assert.rejects(client.readResource('unknown', 'memo://x'), {
    code: 'invalid_request',
    data: { path: 'payload.server' },
  });
});

test('a completion is for either a prompt or a template', async (t) => {
  const client = await startClient(t, {});
  const argument = { name: 'city', value: '' };
  for (const subject of [{}, { prompt: 'p', uriTemplate: 't' }]) {
    await assert.rejects(client.completeArgument('memos', { argument, ...subject }), withCode('invalid_request'));
  }
});

describe('a server at its limit of concurrent calls', () => {
  test('gets no more requests about prompts and resources than that', async (t) => {
    let running = 0;
    let most = 0;
    const read = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
      return 'Buy bread.';
    };
    const memos = await startHttpServer({ era: 'stateless', offer: (server) => offerMemos(server, read) });
    t.after(memos.stop);
    const client = await startClient(t, { memos: { url: memos.url, max_concurrent: 2 } });
    await client.resources({ server: 'memos' });
    await Promise.all(Array.from({ length: 20 }, () => client.readResource('memos', 'memo://today')));
    assert.equal(most, 2);
  });
});

describe('a server with `permission: never`', () => {
  test('lists and gives no prompts and resources', async (t) => {
    const memos = await startHttpServer({ era: 'stateless', offer: offerMemos });
    t.after(memos.stop);
    const parley = await startParley(t, {
      mcpServers: { memos: { url: memos.url } },
      config: { chat: { service: { tools: { permission: { memos: 'never' } } } } },
    });
    const client = await connectClient(t, parley.url);
    const { resources, templates } = await client.resources();
    assert.deepEqual([resources, templates, (await client.prompts()).prompts], [[], [], []]);
    const denied = { code: 'invalid_request', message: /denies the MCP server "memos"/ };
    await assert.rejects(client.readResource('memos', 'memo://today'), denied);
    await assert.rejects(client.getPrompt('memos', 'weather', { city: 'Graz' }), denied);
  });
});
