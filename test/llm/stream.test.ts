/** Tests the request to a provider, and aborts of streams. */
import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import { ask, languageModelAt } from '../support/model/ask.ts';
import { hangs, says, saysStepwise, stalls, type Reply } from '../support/model/replies.ts';
import { startModelServer, type ModelServer } from '../support/model/server.ts';

let server: ModelServer;
before(async () => {
  server = await startModelServer();
});
after(() => server.close());

const add: ChatCompletionTool = {
  type: 'function',
  function: { name: 'add', parameters: { type: 'object', properties: {} } },
};

describe('the request', () => {
  test('carries every parameter of the block that is not ours, unchanged', async () => {
    const parameters = { temperature: 0.5, max_tokens: 64, reasoning_effort: 'low', provider: { order: ['a'] } };
    const model = languageModelAt(server.url, {
      providers: { scripted: { base_url: server.url, model: 'm', headers: { 'X-Tenant': 't1' }, ...parameters } },
    });
    await ask(model, { tools: [add] });
    const { body, headers } = await server.request(server.requests.length);
    assert.deepEqual(body, {
      ...parameters,
      model: 'm',
      messages: [{ role: 'user', content: 'Hello' }],
      tools: [add],
      stream: true,
      stream_options: { include_usage: true },
    });
    assert.equal(headers['x-tenant'], 't1');
  });

  test('names no tools, nor settings about tools, where none are offered', async () => {
    const model = languageModelAt(server.url, {
      providers: { scripted: { base_url: server.url, model: 'm', tool_choice: 'auto', parallel_tool_calls: false } },
    });
    await ask(model);
    const { body } = await server.request(server.requests.length);
    assert.deepEqual(Object.keys(body).sort(), ['messages', 'model', 'stream', 'stream_options']);
  });

  test('asks for the requested model if the block allows it, else for its own', async () => {
    const model = languageModelAt(server.url, {
      providers: { scripted: { base_url: server.url, model: 'm', allowed_models: ['requested'] } },
    });
    for (const [requested, asked] of [
      ['requested', 'requested'],
      ['costly', 'm'],
    ] as const) {
      await ask(model, { model: requested });
      const { body } = await server.request(server.requests.length);
      assert.deepEqual([body.model, 'allowed_models' in body], [asked, false]);
    }
  });

  test('goes out over the connection of the answer before, whose body ended after its [DONE]', async (t) => {
    let connections = 0;
    const bodies: ServerResponse[] = [];
    const endpoint = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
      bodies.push(response);
    });
    endpoint.on('connection', () => (connections += 1));
    await once(endpoint.listen(0, '127.0.0.1'), 'listening');
    t.after(() => {
      endpoint.close();
      endpoint.closeAllConnections();
    });
    const address = endpoint.address();
    assert.ok(address !== null && typeof address === 'object');
    const model = languageModelAt(`http://127.0.0.1:${address.port}/v1`);
    for (let hop = 0; hop < 3; hop += 1) {
      assert.equal((await ask(model)).text, 'a');
      bodies.at(-1)?.end();
      // The client emits no event when it returns a connection to its pool.
      await sleep(30);
    }
    assert.ok(connections < 3, `${connections} connections for 3 answers`);
  });
});

describe('abort', () => {
  const table: [title: string, reply: Reply, said: string][] = [
    ['before the headers', hangs(), ''],
    ['before the first word', stalls(), ''],
    ['in the middle of the answer', stalls('Hel', 'lo'), 'Hello'],
  ];
  for (const [title, reply, said] of table) {
    test(`${title} ends as aborted and drops the request`, async () => {
      const number = server.requests.length + 1;
      server.script(reply);
      const controller = new AbortController();
      let received = '';
      const done = Promise.withResolvers<void>();
      const asking = ask(languageModelAt(server.url), {
        signal: controller.signal,
        onText(delta) {
          received += delta;
          if (received === said) done.resolve();
        },
      });
      const request = await server.request(number);
      if (said !== '') await done.promise;
      controller.abort();
      const { text, end } = await asking;
      assert.deepEqual([text, end], [said, { status: 'aborted' }]);
      assert.equal(await request.end, 'aborted');
    });
  }

  test('before the request sends none', async () => {
    const count = server.requests.length;
    const { end } = await ask(languageModelAt(server.url), { signal: AbortSignal.abort() });
    assert.deepEqual([end, server.requests.length], [{ status: 'aborted' }, count]);
  });

  test('by the sink itself ends its calls', async () => {
    // All words lie in one packet, so that the parser still holds events when the sink aborts.
    const controller = new AbortController();
    const received: string[] = [];
    const words = ['a', 'b', 'c'].map((word) => `data: {"choices":[{"delta":{"content":"${word}"}}]}\n\n`).join('');
    server.script({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      parts: [{ play: 'bytes', text: words }, { play: 'stall' }],
    });
    const { end } = await ask(languageModelAt(server.url), {
      signal: controller.signal,
      onText(delta) {
        received.push(delta);
        controller.abort();
      },
    });
    assert.deepEqual([received, end.status], [['a'], 'aborted']);
  });

  test('leaves no listener on the signal of a finished answer', async () => {
    const controller = new AbortController();
    server.script(says('Done.'));
    await ask(languageModelAt(server.url), { signal: controller.signal });
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  });
});

test('words reach the sink as they arrive', async () => {
  const story = saysStepwise('one ', 'two ', 'three');
  server.script(story.reply);
  const received: string[] = [];
  let next = Promise.withResolvers<void>();
  const asking = ask(languageModelAt(server.url), {
    onText(delta) {
      received.push(delta);
      next.resolve();
    },
  });
  for (const [at, word] of ['one ', 'two ', 'three'].entries()) {
    await story.gates[at]?.reached;
    assert.equal(received.length, at);
    next = Promise.withResolvers();
    story.release();
    await next.promise;
    assert.equal(received.at(-1), word);
  }
  assert.equal((await asking).end.status, 'finished');
});

test("a sink that throws ends the request, and its error is not taken for the provider's", async () => {
  const number = server.requests.length + 1;
  server.script(stalls('Hello'));
  const asking = ask(languageModelAt(server.url), {
    onText() {
      throw new Error('the sink is broken');
    },
  });
  await assert.rejects(asking, /the sink is broken/);
  assert.equal(await (await server.request(number)).end, 'aborted');
});

test('an unknown provider is a fault and no exception', async () => {
  const { end } = await ask(languageModelAt(server.url), { provider: 'unknown' });
  assert.ok(end.status === 'failed');
  assert.equal(end.fault.code, 'internal');
});
