/** Checks where the image of a tool's result goes: to a model that sees, to the client, to the log; within its limits. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { toolResultsIn } from '../support/interrupts.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { fails, says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import type { ModelServer } from '../support/model/server.ts';
import { connectClient, readAll, startTyped } from '../support/typed-client.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const URL_OF_IT = `data:image/png;base64,${PNG}`;
/** 100 KB: the log keeps the result apart from the rest of the row. */
const LARGE = PNG.replace(/=*$/, '').padEnd(136_000, 'A');

function offer(server: McpServer): void {
  server.registerTool('picture', { inputSchema: z.object({}) }, () => ({
    content: [
      { type: 'text', text: 'taken' },
      { type: 'image', data: PNG, mimeType: 'image/png' },
    ],
  }));
  server.registerTool('hidden', { inputSchema: z.object({}) }, () => ({
    content: [{ type: 'image', data: PNG, mimeType: 'image/png', annotations: { audience: ['user'] } }],
  }));
  server.registerTool('large', { inputSchema: z.object({}) }, () => ({
    content: [
      { type: 'text', text: 'for people', annotations: { audience: ['user'] } },
      { type: 'image', data: LARGE, mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'file:///b.png', blob: LARGE, mimeType: 'image/PNG' } },
    ],
    structuredContent: { rows: 'x'.repeat(100_000) },
  }));
}

async function startCamera(test: TestContext, service: Record<string, unknown> = {}, provider = {}) {
  const server = await startHttpServer({ era: 'stateless', offer });
  test.after(server.stop);
  const config = { chat: { service }, llm: { providers: { scripted: provider } } };
  return startTyped(test, { mcpServers: { camera: { url: server.url } }, config });
}

const imagesIn = (model: ModelServer, request = -1) =>
  (model.requests.at(request)?.body.messages ?? []).flatMap(({ role, content }) =>
    Array.isArray(content) && JSON.stringify(content).includes(URL_OF_IT) ? [role] : [],
  );

const imageUrlsIn = (model: ModelServer, request = -1) =>
  JSON.stringify(model.requests.at(request)?.body.messages ?? []).match(/data:image\/[^"]+/g) ?? [];

describe('the image of a result', () => {
  it('follows the result in a message that says where it comes from', async (t) => {
    const { model, client } = await startCamera(t);
    model.script(asks([{ name: 'picture' }, { name: 'picture' }]), says('I see.'));
    await client.chat('go').end;
    const [first, second, images] = model.requests.at(-1)?.body.messages.slice(-3) ?? [];
    assert.deepEqual([first?.content, second?.role], ['taken\n[image: image/png, 72 bytes]', 'tool']);
    assert.deepEqual(images, {
      role: 'user',
      content: [
        { type: 'text', text: '[Images from results of tools, not from the user: picture]' },
        { type: 'image_url', image_url: { url: URL_OF_IT } },
        { type: 'image_url', image_url: { url: URL_OF_IT } },
      ],
    });
  });

  it('is in the chunk for the client and in the log', async (t) => {
    const { model, client } = await startCamera(t);
    model.script(asks([{ name: 'picture' }]), says('I see.'));
    const [result] = toolResultsIn(await readAll(client.chat('go', { conversationId: 'c1' })));
    assert.deepEqual(result?.images, [{ mime_type: 'image/png', data: PNG }]);
    const { events } = await client.history('c1');
    assert.match(
      JSON.stringify(events.find(({ type }) => type === 'tool_result')?.extra),
      new RegExp(PNG.slice(0, 40)),
    );
  });

  it('is for the client alone if its audience says so', async (t) => {
    const { model, client } = await startCamera(t);
    model.script(asks([{ name: 'hidden' }]), says('I see.'));
    const [result] = toolResultsIn(await readAll(client.chat('go')));
    assert.equal(result?.images?.length, 1);
    assert.deepEqual(imagesIn(model), []);
  });

  it('is a sentence everywhere if it is above the limit', async (t) => {
    const { model, client } = await startCamera(t, { tools: { max_image_size: 71 } });
    model.script(asks([{ name: 'picture' }]), says('I see.'));
    const [result] = toolResultsIn(await readAll(client.chat('go', { conversationId: 'c1' })));
    assert.equal(result?.data, 'taken\n[image: image/png, 72 bytes] [too large to be kept]');
    assert.equal(result?.images, undefined);
    assert.deepEqual(imagesIn(model), []);
    assert.ok(!JSON.stringify(await client.history('c1')).includes(PNG.slice(0, 40)));
  });

  it('is sent again in later turns, within the number of newest images', async (t) => {
    const { model, client } = await startCamera(t, { context: { max_images: 1 } });
    model.script(asks([{ name: 'picture' }]), says('One.'), asks([{ name: 'picture' }]), says('Two.'), says('Three.'));
    await client.chat('go').end;
    await client.chat('go on').end;
    assert.deepEqual(imagesIn(model), ['user'], 'the newer one alone');
    await client.chat('and now?').end;
    assert.deepEqual(imagesIn(model), ['user']);
  });

  it('is not sent with max_images: 0, nor to a provider with images: never', async (t) => {
    const blind = [await startCamera(t, { context: { max_images: 0 } }), await startCamera(t, {}, { images: 'never' })];
    for (const { model, client } of blind) {
      model.script(asks([{ name: 'picture' }]), says('I see.'));
      await client.chat('go').end;
      assert.equal(model.requests.length, 2);
      assert.deepEqual(imagesIn(model), []);
    }
  });
});

describe('the images of a large result', () => {
  const chat = ['go', { conversationId: 'c1', requestId: 'r1' }] as const;

  it('are sent in later turns after a restart', async (t) => {
    const { model, client, parley } = await startCamera(t);
    model.script(asks([{ name: 'large' }]), says('I see.'), says('Still there.'));
    await client.chat(...chat).end;
    const before = imageUrlsIn(model);
    assert.equal(before.length, 2);
    await parley.restart();
    await connectClient(t, parley.url).chat('and now?', { conversationId: 'c1' }).end;
    assert.equal(model.requests.length, 3);
    assert.deepEqual(imageUrlsIn(model), before);
  });

  it('are sent when the log is not cached', async (t) => {
    const { model, client } = await startCamera(t, { log_cache_bytes: 0 });
    model.script(asks([{ name: 'large' }]), says('I see.'), says('Still there.'));
    await client.chat(...chat).end;
    await client.chat('and now?', { conversationId: 'c1' }).end;
    assert.deepEqual([imageUrlsIn(model, 1).length, imageUrlsIn(model, 2).length], [2, 2]);
  });

  it('and its text for people reach a client that attaches later', async (t) => {
    const { model, client, parley } = await startCamera(t);
    model.script(asks([{ name: 'large' }]), says('I see.'));
    const [live] = toolResultsIn(await readAll(client.chat(...chat)));
    assert.match(live?.data ?? '', /^for people/);
    assert.equal(live?.images?.length, 2);
    await parley.restart();
    const later = connectClient(t, parley.url);
    const chunks = await readAll(later.chat(...chat));
    assert.deepEqual(toolResultsIn(chunks), [live]);
    const { events } = await later.history('c1');
    assert.ok(JSON.stringify(events.find(({ type }) => type === 'tool_result')?.extra).includes(LARGE));
  });
});

describe('a model that rejects images', () => {
  const rejections: [from: string, status: number, message: string][] = [
    ['OpenAI', 400, 'Invalid content type. image_url is only supported by certain models.'],
    ['OpenRouter', 404, 'No endpoints found that support image input'],
    ['DeepSeek', 400, 'Failed to deserialize the JSON body: messages[3]: unknown variant `image_url`, expected `text`'],
    ['llama.cpp', 500, 'image input is not supported - hint: you may need to provide the mmproj'],
    ['Ollama', 400, 'this model does not support images'],
    ['vLLM', 400, 'At most 0 image(s) may be provided in one prompt.'],
    [
      'Groq',
      400,
      "'messages.3' : for 'role:user' the following must be satisfied[('messages.3.content' : content must be a string)]",
    ],
    ['Mistral', 400, "Unexpected role 'user' after role 'tool'"],
  ];
  for (const [from, status, message] of rejections) {
    it(`is asked again without them, and not sent any later (${from})`, async (t) => {
      const { model, client } = await startCamera(t);
      model.script(asks([{ name: 'picture' }]), fails(status, message), says('I see.'), says('Yes.'));
      await client.chat('go').end;
      assert.deepEqual([imagesIn(model, 1), imagesIn(model, 2)], [['user'], []]);
      assert.equal(model.requests[2]?.body.messages.at(-1)?.role, 'tool');
      await client.chat('again').end;
      assert.equal(model.requests.length, 4);
      assert.deepEqual(imagesIn(model), []);
    });
  }

  it('gets later ones if it rejected only this one', async (t) => {
    const { model, client } = await startCamera(t);
    model.script(asks([{ name: 'picture' }]), fails(400, 'Invalid image: it could not be decoded.'), says('I see.'));
    await client.chat('go').end;
    assert.deepEqual([imagesIn(model, 1), imagesIn(model, 2)], [['user'], []]);
    await client.chat('again').end;
    assert.deepEqual(imagesIn(model), ['user']);
  });
});
