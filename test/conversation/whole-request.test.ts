/**
 * Checks that the context window holds everything that is sent: the tool schemas of all servers, the longest answer, and
 * the limit that a provider has named. The model counts as its provider would, and rejects what is too long.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { compileCache } from '../support/compile-cache.ts';
import { answersWith, fails, says, type Reply } from '../support/model/replies.ts';
import type { ModelRequest } from '../support/model/server.ts';
import { asks } from '../support/model/tool-calls.ts';
import { connectClient, readAll, startTyped } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };
const root = join(import.meta.dirname, '..', '..');

/** A server with this number of tools, each of about 100 tokens. */
const manyTools = (tools: number, resultWords = 1) => ({
  command: 'node',
  args: [join(root, 'test/support/mcp-many-tools.ts')],
  cwd: root,
  env: { ...compileCache, TEST_TOOLS: String(tools), TEST_RESULT: String(resultWords) },
});

/** Tokens as a rough provider counts them. */
const tokensOf = (value: unknown) => Math.ceil(JSON.stringify(value ?? '').length / 4);
const sizeOf = ({ body }: ModelRequest) => tokensOf(body.messages) + tokensOf(body.tools) + answerOf(body);
const answerOf = (body: ModelRequest['body']) => (typeof body['max_tokens'] === 'number' ? body['max_tokens'] : 0);
const namesOf = ({ body }: ModelRequest) => (body.tools ?? []).map((tool) => JSON.stringify(tool));

const tooLong = ({ body }: ModelRequest, limit: number) => {
  const input = tokensOf(body.messages) + tokensOf(body.tools);
  const error = {
    message: `This model's maximum context length is ${limit} tokens. However, you requested ${input + answerOf(body)} tokens (${input} in the messages, ${answerOf(body)} in the completion).`,
    code: 'context_length_exceeded',
  };
  return answersWith('application/json', JSON.stringify({ error }), 400);
};

interface Setting {
  servers?: Record<string, ReturnType<typeof manyTools>>;
  context?: object;
  service?: object;
  block?: object;
  answer?: (request: ModelRequest) => Reply;
}

/** Starts a model that takes `limit` tokens. */
async function startLimited(t: TestContext, limit: number, setting: Setting = {}) {
  const { servers = {}, context = {}, service = {}, block = {}, answer = () => says('Fine.') } = setting;
  const started = await startTyped(t, {
    mcpServers: servers,
    config: { chat: { service: { context, ...service } }, llm: { providers: { scripted: block } } },
  });
  started.model.script((request) => (sizeOf(request) > limit ? tooLong(request, limit) : answer(request)));
  const noticesOf = async (turn: ReturnType<typeof started.client.chat>) =>
    (await readAll(turn)).flatMap((chunk) => (chunk.type === 'notice' ? [chunk] : []));
  return { ...started, noticesOf };
}

describe('the tools of several servers', () => {
  it('are all offered while they fit', async (t) => {
    const { client, model, noticesOf } = await startLimited(t, 32_000, { servers: { a: manyTools(20) } });
    assert.deepEqual(await noticesOf(client.chat('Hi', inC1)), []);
    assert.equal(model.requests[0]?.body.tools?.length, 20);
  });

  it('are offered as far as they fit, the small server whole, with one notice a turn', async (t) => {
    const { client, model, noticesOf } = await startLimited(t, 8_192, {
      servers: { a: manyTools(90), b: manyTools(60), small: manyTools(3) },
      context: { max_tokens: 8_192, reserve_tokens: 1_000 },
      block: { max_tools: 200 },
      answer: ({ body }) =>
        body.messages.at(-1)?.role === 'user' ? asks([{ name: 'small_find_0', arguments: {} }]) : says('Fine.'),
    });
    const turn = client.chat('Hi', inC1);
    const notices = await noticesOf(turn);
    assert.equal(await turn.text(), 'Fine.');
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['tools_left_out'],
    );
    assert.match(notices[0]?.data ?? '', /^\d+ of 153 tools do not fit .*\(a: \d+, b: \d+\)\.$/);
    const [first, second] = model.requests;
    assert.ok(first && second);
    assert.equal(namesOf(first).filter((text) => text.includes('small')).length, 3);
    assert.deepEqual(namesOf(second), namesOf(first));
  });

  it('cost nothing for a model that takes none', async (t) => {
    const { client, model, noticesOf } = await startLimited(t, 8_192, {
      servers: { a: manyTools(90) },
      context: { max_tokens: 8_192, reserve_tokens: 1_000 },
      block: { tools: 'never' },
    });
    const text = 'one thing and another '.repeat(1_200);
    assert.deepEqual(await noticesOf(client.chat(text, inC1)), []);
    assert.equal(model.requests[0]?.body.messages.at(-1)?.content, text);
  });

  it('cost nothing once the model has rejected them', async (t) => {
    const { client, model, noticesOf } = await startLimited(t, 8_192, {
      servers: { a: manyTools(90) },
      context: { max_tokens: 8_192, reserve_tokens: 1_000 },
      answer: ({ body }) => (body.tools ? fails(400, 'this model does not support tools') : says('Fine.')),
    });
    await noticesOf(client.chat('Hi', inC1));
    const text = 'one thing and another '.repeat(1_200);
    const kinds = (await noticesOf(client.chat(text, { conversationId: 'c2' }))).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['tools_unsupported']);
    assert.equal(model.requests.at(-1)?.body.messages.at(-1)?.content, text);
    assert.equal(model.requests.length, 3);
  });

  it('cost nothing beyond the number that the provider takes', async (t) => {
    const { client, model, noticesOf } = await startLimited(t, 8_192, {
      servers: { a: manyTools(90) },
      context: { max_tokens: 8_192, reserve_tokens: 1_000 },
      block: { max_tools: 2 },
    });
    const text = 'one thing and another '.repeat(1_200);
    const notices = await noticesOf(client.chat(text, inC1));
    assert.equal(notices.length, 1);
    assert.match(notices[0]?.data ?? '', /a request takes 2 tools/);
    assert.equal(model.requests[0]?.body.messages.at(-1)?.content, text);
    assert.equal(model.requests[0]?.body.tools?.length, 2);
  });

  it('are fewer after the model has named a smaller limit, and the turn is answered', async (t) => {
    const { client, model, noticesOf } = await startLimited(t, 4_096, { servers: { a: manyTools(60) } });
    const turn = client.chat('Hi', inC1);
    const notices = await noticesOf(turn);
    assert.equal(await turn.text(), 'Fine.');
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['retrying', 'tools_left_out'],
    );
    assert.match(notices[0]?.data ?? '', /60 tools, most of the server "a".*as much of the context as the model takes/);
    assert.equal(model.requests.length, 2);
  });
});

describe('the longest answer of a request', () => {
  for (const [where, block] of [
    ['the block', { max_tokens: 3_000 }],
    ['the parameters of the model', { model_parameters: { 'scripted-model': { max_tokens: 3_000 } } }],
  ] as const) {
    it(`is part of the window, stated in ${where}`, async (t) => {
      // This model counts a third more than Parley.
      const { client, model } = await startLimited(t, 4_500, {
        context: { max_tokens: 4_096, reserve_tokens: 100, preserve_recent: 1 },
        block,
      });
      for (let turn = 0; turn < 4; turn += 1)
        assert.equal(await client.chat('one thing and another '.repeat(100), inC1).text(), 'Fine.');
      assert.equal(model.requests.length, 4);
    });
  }

  it('is named in the error if it does not fit', async (t) => {
    const { client } = await startLimited(t, 4_096, { block: { max_tokens: 4_096 } });
    await assert.rejects(client.chat('Hi', inC1).end, {
      code: 'provider_context_length',
      message:
        /4096 reserved for the answer by llm\.providers\.scripted\.max_tokens.*lower llm\.providers\.scripted\.max_/,
    });
  });
});

describe('a limit that the provider has named', () => {
  const story = 'one thing and another '.repeat(160);

  it('is kept for later turns and for other conversations', async (t) => {
    const { client, model, parley } = await startLimited(t, 4_096);
    for (let turn = 0; turn < 8; turn += 1) assert.equal(await client.chat(story, inC1).text(), 'Fine.');
    const rejected = model.requests.filter((request) => sizeOf(request) > 4_096);
    assert.equal(rejected.length, 1);
    const other = connectClient(t, parley.url);
    await other.chat(story.repeat(6), { conversationId: 'c2' }).end;
    assert.equal(model.requests.filter((request) => sizeOf(request) > 4_096).length, 1);
  });

  it('is that of one model', async (t) => {
    const { client, model } = await startLimited(t, 4_096, { block: { allowed_models: ['large'] } });
    model.script((request) =>
      request.body.model !== 'large' && sizeOf(request) > 4_096 ? tooLong(request, 4_096) : says('Fine.'),
    );
    await client.chat(story.repeat(6), inC1).end;
    await client.chat(story.repeat(6), { conversationId: 'c2', model: 'large' }).end;
    const [rejected, shorter, large] = model.requests.map(sizeOf);
    assert.ok(rejected && shorter && large);
    assert.ok(shorter <= 4_096 && large === rejected);
  });
});

describe('the error of a request that stays too long', () => {
  const refuseAll = () => answersWith('application/json', '{"error":{"message":"prompt is too long"}}', 400);

  for (const [what, setting, text, message] of [
    [
      'the tools',
      { servers: { a: manyTools(30) } },
      'Hi',
      /schemas of \d+ tools, most of the server "a".*offer fewer tools .*chat\.service\.tools\.permission/,
    ],
    [
      'the system prompt',
      { service: { system_prompt: 'Be kind. '.repeat(400) } },
      'Hi',
      /in the system prompt.*shorten chat\.service\.system_prompt/,
    ],
    ['the message', {}, 'word '.repeat(2_000), /in the message.*shorten the message/],
  ] as const) {
    it(`names ${what}`, async (t) => {
      const { client, model } = await startLimited(t, 0, setting);
      model.script(refuseAll);
      await assert.rejects(client.chat(text, inC1).end, { code: 'provider_context_length', message });
    });
  }

  it('names the result of a tool', async (t) => {
    const { client, model } = await startLimited(t, 0, { servers: { a: manyTools(1, 1_500) } });
    model.script((request) =>
      request.body.messages.at(-1)?.role === 'user' ? asks([{ name: 'a_find_0', arguments: {} }]) : refuseAll(),
    );
    await assert.rejects(client.chat('Hi', inC1).end, {
      code: 'provider_context_length',
      message: /in a result of the tool "a_find_0".*lower chat\.service\.tools\.max_result_tokens/,
    });
  });
});
