/** Chats that bring a prompt or resources of MCP servers along: what the model reads, and that it stays so. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerMemos } from '../support/mcp-memos.ts';
import type { ModelServer } from '../support/model-server.ts';
import { says } from '../support/model-replies.ts';
import { eventually } from '../support/server-process.ts';
import { connectClient, startTyped, withCode, type WatchedClient } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };
const today = { server: 'memos', uri: 'memo://today' };

async function startMemos(
  test: TestContext,
  config: Record<string, unknown> = {},
  readable: Promise<void> = Promise.resolve(),
) {
  const reads: string[] = [];
  const read = (uri: string) => {
    const text = `Buy bread, read ${reads.push(uri)}.`;
    return readable.then(() => text);
  };
  const memos = await startHttpServer({ era: 'stateless', offer: (server) => offerMemos(server, read) });
  test.after(memos.stop);
  return { reads, ...(await startTyped(test, { mcpServers: { memos: { url: memos.url } }, config })) };
}

const lastRequest = ({ requests }: ModelServer) =>
  requests
    .at(-1)
    ?.body.messages.filter(({ role }) => role !== 'system')
    .map(({ role, content }) => [role, content]);
const eventsOf = async (client: WatchedClient) => (await client.history('c1')).events;

describe('a chat', () => {
  test('with resources is read by the model after them', async (t) => {
    const { client, model } = await startMemos(t);
    model.script(says('Bread.'));
    const turn = client.chat('What is to be done?', {
      ...inC1,
      resources: [today, { server: 'memos', uri: 'memo://picture' }],
    });
    assert.equal(await turn.text(), 'Bread.');
    assert.deepEqual(lastRequest(model), [
      [
        'user',
        '[resource: memo://today]\nBuy bread, read 1.\n\n[resource: memo://picture, image/png, 3 bytes]\n\nWhat is to be done?',
      ],
    ]);
    const [message] = await eventsOf(client);
    assert.equal(message?.content, 'What is to be done?');
    assert.deepEqual(message?.extra?.['included'], [
      { role: 'user', text: '[resource: memo://today]\nBuy bread, read 1.', from: today },
      {
        role: 'user',
        text: '[resource: memo://picture, image/png, 3 bytes]',
        from: { server: 'memos', uri: 'memo://picture' },
      },
    ]);
    assert.ok(Number(message?.token_count) > 30, 'counted with all that it brings along');
  });

  test('with a prompt goes on from its messages', async (t) => {
    const { client, model } = await startMemos(t);
    model.script(says('Sun.'), says('Welcome.'));
    await client.chat('In Celsius.', {
      ...inC1,
      prompt: { server: 'memos', name: 'weather', arguments: { city: 'Graz' } },
    }).end;
    assert.deepEqual(lastRequest(model), [
      ['user', 'What will the weather in Graz be for 1 days?'],
      ['assistant', 'In which unit?'],
      ['user', '[image: image/png, 3 bytes]\n\nIn Celsius.'],
    ]);
    const turn = client.chat(null, { ...inC1, prompt: { server: 'memos', name: 'greet' } });
    assert.equal(await turn.text(), 'Welcome.', 'the last words of a prompt are the message');
    assert.deepEqual(lastRequest(model)?.at(-1), ['user', 'greet']);
  });

  test('is told of later as it was sent: to the next turn, and after a restart', async (t) => {
    const { parley, client, model, reads } = await startMemos(t);
    model.script(says('Bread.'), says('Still bread.'));
    const chat = ['What is to be done?', { ...inC1, requestId: 'r1', resources: [today] }] as const;
    await client.chat(...chat).end;
    await parley.restart();
    const after = connectClient(t, parley.url);
    await after.chat('And now?', inC1).end;
    assert.deepEqual(lastRequest(model)?.[0], [
      'user',
      '[resource: memo://today]\nBuy bread, read 1.\n\nWhat is to be done?',
    ]);
    assert.equal((await after.chat(...chat).end).metadata.replayed, true);
    assert.deepEqual(reads, ['memo://today'], 'read once');
    const other = connectClient(t, parley.url).chat('What is to be done?', { ...inC1, requestId: 'r1' });
    await assert.rejects(other.end, withCode('request_id_reused'));
  });

  test('that names what cannot be had is refused, and nothing is stored', async (t) => {
    const { client, model } = await startMemos(t, { chat: { service: { max_text_length: 60 } } });
    for (const [brought, code, data] of [
      [{ resources: [{ server: 'memos', uri: 'memo://broken' }] }, 'mcp_refused', { server: 'memos' }],
      [{ resources: [{ server: 'nobody', uri: 'memo://x' }] }, 'invalid_request', { path: 'payload.resources' }],
      [{ prompt: { server: 'memos', name: 'nonsense' } }, 'mcp_refused', { server: 'memos' }],
      [{ resources: [today, today] }, 'invalid_request', { path: 'payload' }],
    ] as const) {
      await assert.rejects(client.chat('Hi', { ...inC1, ...brought }).end, { code, data });
    }
    await assert.rejects(client.history('c1'), withCode('not_found'));
    assert.deepEqual(model.requests, []);
  });

  test('that is asked again brings along what it brought, as it was read; one that is edited does not', async (t) => {
    const { client, model, reads } = await startMemos(t);
    model.script(says('Bread.'), says('Bread, as I said.'), says('Bread again.'), says('Nothing.'));
    await client.chat('What is to be done?', { ...inC1, resources: [today] }).end;
    const sent = lastRequest(model);
    let rewindTo = 1;
    for (let times = 0; times < 2; times += 1) {
      const again = client.chat(null, { ...inC1, rewindTo });
      await again.end;
      assert.deepEqual(lastRequest(model), sent);
      rewindTo = Number((await again.accepted).seq);
    }
    assert.deepEqual(reads, ['memo://today'], 'read once');
    assert.equal((await eventsOf(client)).filter(({ extra }) => extra?.['included'] !== undefined).length, 3);
    await client.chat('Hm?', { ...inC1, rewindTo }).end;
    assert.deepEqual(lastRequest(model), [['user', 'Hm?']]);
  });

  test('has its place in the conversation once all is read: what is sent meanwhile goes before it', async (t) => {
    const readable = Promise.withResolvers<void>();
    const { client, reads } = await startMemos(t, {}, readable.promise);
    const first = client.chat('What is to be done?', { ...inC1, resources: [today] });
    await eventually(() => reads.length > 0, 'the server to be asked');
    await client.chat('Hello?', inC1).end;
    readable.resolve();
    await first.end;
    const messages = (await eventsOf(client)).filter(({ type }) => type === 'user_message');
    assert.deepEqual(
      messages.map(({ content }) => content),
      ['Hello?', 'What is to be done?'],
    );
  });

  test('in the place of another may bring something along too', async (t) => {
    const { client, model } = await startMemos(t);
    model.script(says('Nothing.'), says('Bread.'));
    await client.chat('What is to be done?', inC1).end;
    await client.chat(null, { ...inC1, rewindTo: 1, resources: [today] }).end;
    assert.deepEqual(lastRequest(model), [
      ['user', '[resource: memo://today]\nBuy bread, read 1.\n\nWhat is to be done?'],
    ]);
  });
});
