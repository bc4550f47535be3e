/** Checks chats that include a prompt or resources of MCP servers: what the model reads, now and later. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerMemos } from '../support/mcp-memos.ts';
import type { ModelServer } from '../support/model/server.ts';
import { says } from '../support/model/replies.ts';
import { eventually } from '../support/eventually.ts';
import { connectClient, startTyped, withCode, type RecordedClient } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };
/** As a request to the model has it. */
const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
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
const eventsOf = async (client: RecordedClient) => (await client.history('c1')).events;

describe('a chat', () => {
  test('with resources puts them before its text for the model', async (t) => {
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
        [
          {
            type: 'text',
            text: '[resource: memo://today]\nBuy bread, read 1.\n\n[resource: memo://picture, image/png, 3 bytes]\n\nWhat is to be done?',
          },
          picture,
        ],
      ],
    ]);
    const [message] = await eventsOf(client);
    assert.equal(message?.content, 'What is to be done?');
    assert.deepEqual(message?.extra?.['included'], [
      { role: 'user', text: '[resource: memo://today]\nBuy bread, read 1.', from: today },
      {
        role: 'user',
        text: '[resource: memo://picture, image/png, 3 bytes]',
        images: [{ mimeType: 'image/png', data: 'AAAA' }],
        from: { server: 'memos', uri: 'memo://picture' },
      },
    ]);
    assert.ok(Number(message?.token_count) > 30, 'counted with all that it brings along');
  });

  test("with a prompt continues from the prompt's messages", async (t) => {
    const { client, model } = await startMemos(t);
    model.script(says('Sun.'), says('Welcome.'));
    await client.chat('In Celsius.', {
      ...inC1,
      prompt: { server: 'memos', name: 'weather', arguments: { city: 'Graz' } },
    }).end;
    assert.deepEqual(lastRequest(model), [
      ['user', 'What will the weather in Graz be for 1 days?'],
      ['assistant', 'In which unit?'],
      ['user', [{ type: 'text', text: '[image: image/png, 3 bytes]\n\nIn Celsius.' }, picture]],
    ]);
    const turn = client.chat(null, { ...inC1, prompt: { server: 'memos', name: 'greet' } });
    assert.equal(await turn.text(), 'Welcome.', 'the last message of the prompt is the message');
    assert.deepEqual(lastRequest(model)?.at(-1), ['user', 'greet']);
  });

  test('with a prompt that ends with an image has the image in its message, also after a restart', async (t) => {
    const { parley, client, model } = await startMemos(t);
    model.script(says('Nice.'), says('Yes.'));
    await client.chat(null, { ...inC1, prompt: { server: 'memos', name: 'weather', arguments: { city: 'Graz' } } }).end;
    const shown = ['user', [{ type: 'text', text: '[image: image/png, 3 bytes]' }, picture]];
    assert.deepEqual(lastRequest(model)?.at(-1), shown);
    await parley.restart();
    await connectClient(t, parley.url).chat('Really?', inC1).end;
    assert.deepEqual(lastRequest(model)?.at(2), shown);
  });

  test('keeps its images within their size, and says what is missing', async (t) => {
    const { client, model } = await startMemos(t, { chat: { service: { tools: { max_image_size: 5 } } } });
    const resource = { server: 'memos', uri: 'memo://picture' };
    await client.chat('Look.', { ...inC1, resources: [resource, resource] }).end;
    assert.deepEqual(lastRequest(model), [
      [
        'user',
        [
          {
            type: 'text',
            text: '[resource: memo://picture, image/png, 3 bytes]\n\n[resource: memo://picture, image/png, 3 bytes] [too large to be kept]\n\nLook.',
          },
          picture,
        ],
      ],
    ]);
  });

  test('is replayed as it was sent: for the next turn, and after a restart', async (t) => {
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

  test('that names a missing prompt or resource is rejected, and nothing is stored', async (t) => {
    const { client, model } = await startMemos(t, { chat: { service: { max_text_length: 60 } } });
    for (const [brought, code, data] of [
      [{ resources: [{ server: 'memos', uri: 'memo://broken' }] }, 'mcp_refused', { server: 'memos' }],
      [{ resources: [{ server: 'unknown', uri: 'memo://x' }] }, 'invalid_request', { path: 'payload.resources' }],
      [{ prompt: { server: 'memos', name: 'nonsense' } }, 'mcp_refused', { server: 'memos' }],
      [{ resources: [today, today] }, 'invalid_request', { path: 'payload' }],
    ] as const) {
      await assert.rejects(client.chat('Hi', { ...inC1, ...brought }).end, { code, data });
    }
    await assert.rejects(client.history('c1'), withCode('not_found'));
    assert.deepEqual(model.requests, []);
  });

  test('that is repeated includes the same content as before; an edited one does not', async (t) => {
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

  test('takes its place once all is read: a chat sent meanwhile runs first', async (t) => {
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

  test('that replaces another may include something too', async (t) => {
    const { client, model } = await startMemos(t);
    model.script(says('Nothing.'), says('Bread.'));
    await client.chat('What is to be done?', inC1).end;
    await client.chat(null, { ...inC1, rewindTo: 1, resources: [today] }).end;
    assert.deepEqual(lastRequest(model), [
      ['user', '[resource: memo://today]\nBuy bread, read 1.\n\nWhat is to be done?'],
    ]);
  });
});
