/** Tests the three wire protocols with the same stories, against a scripted model that speaks each as strictly as its owner. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import type { MessageWithImages } from '../../src/llm/message-images.ts';
import { apiNames, type ApiName } from '../../src/llm/api/wire-api.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import { cuts, data, fails, says, usage, streams, text, finish, done } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { asks } from '../support/model/tool-calls.ts';

const server = await startModelServer();
after(() => server.close());
beforeEach(() => void server.reset());

const MODEL = 'gpt-6-sol';
const tools: ChatCompletionTool[] = [
  {
    type: 'function',
    function: {
      name: 'add',
      description: 'Adds.',
      parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
    },
  },
];
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

function modelFor(api: ApiName, block: Record<string, unknown> = {}) {
  return languageModelAt(server.url, {
    providers: { scripted: { base_url: server.url, model: MODEL, api, allowed_models: ['gpt-6-luna'], ...block } },
  });
}

/** The hop after a call: what was asked, the call with its reasoning, and the result. */
function afterCall(signatures: unknown, images: MessageWithImages['images'] = []): MessageWithImages[] {
  return [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is 2 + 3?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'AbCdEf123', type: 'function', function: { name: 'add', arguments: '{"a":2,"b":3}' } }],
      reasoning: { text: '', signatures },
    },
    { role: 'tool', tool_call_id: 'AbCdEf123', content: '5', images },
  ];
}

/** Everything under a key of that name, at any depth. */
function valuesOf(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => (name === key ? [inner] : valuesOf(inner, key)));
}

for (const api of apiNames) {
  describe(`the API ${api}`, () => {
    it('streams text and reasoning, and reports the usage', async () => {
      server.script(says('Hello there, friend.', { reasoning: 'A greeting.' }));
      const { text: said, reasoning, end } = await ask(modelFor(api));
      assert.equal(said, 'Hello there, friend.');
      assert.equal(reasoning, 'A greeting.');
      assert.ok(end.status === 'finished');
      assert.equal(end.finishReason, 'stop');
      assert.deepEqual([end.usage?.prompt_tokens, end.usage?.completion_tokens], [11, 7]);
      assert.deepEqual(server.violations, []);
    });

    it('asks for tools and reads parallel calls', async () => {
      server.script(
        asks(
          [
            { name: 'add', arguments: { a: 2, b: 3 } },
            { name: 'add', arguments: { a: 4, b: 5 } },
          ],
          { say: 'Let me see.' },
        ),
      );
      const { text: said, end } = await ask(modelFor(api), { tools });
      assert.ok(end.status === 'finished');
      assert.equal(said, 'Let me see.');
      assert.equal(end.finishReason, 'tool_calls');
      assert.deepEqual(
        end.toolCalls.map(({ name, arguments: args }) => [name, JSON.parse(args)]),
        [
          ['add', { a: 2, b: 3 }],
          ['add', { a: 4, b: 5 }],
        ],
      );
      assert.deepEqual(server.requests[0]?.body.tools?.[0]?.function.name, 'add');
      assert.deepEqual(server.violations, []);
    });

    it('sends calls, results and images of results in a form that the API takes', async () => {
      server.script(says('Five.'));
      const messages = afterCall(null, [{ mimeType: 'image/png', data: png }]);
      const { end } = await ask(modelFor(api), { messages, tools });
      assert.equal(end.status, 'finished');
      assert.deepEqual(server.violations, []);
      assert.match(JSON.stringify(server.requests[0]?.sent), new RegExp(png.slice(0, 40)));
    });

    it('ends with length and content_filter, without the calls of an answer that was cut', async () => {
      server.script(
        asks([{ name: 'add', arguments: '{"a":' }], { finish: 'length' }),
        says('No', { finish: 'content_filter' }),
      );
      const cut = await ask(modelFor(api), { tools });
      assert.ok(cut.end.status === 'finished');
      assert.deepEqual([cut.end.finishReason, cut.end.toolCalls], ['length', []]);
      const filtered = await ask(modelFor(api));
      assert.ok(filtered.end.status === 'finished');
      assert.equal(filtered.end.finishReason, 'content_filter');
    });

    it('fails when the stream is cut before its end', async () => {
      server.script(cuts('clean', 'Half an '));
      const { text: said, end } = await ask(modelFor(api));
      assert.equal(said, 'Half an ');
      assert.ok(end.status === 'failed');
      assert.equal(end.fault.code, 'provider_cut');
    });

    it('fails with the words of an error in the stream, in each form', async () => {
      for (const error of [{ error: { message: 'the engine died' } }, { detail: 'the engine died' }]) {
        server.script(streams(text('one '), data(JSON.stringify(error))));
        const { end } = await ask(modelFor(api));
        assert.ok(end.status === 'failed');
        assert.match(end.fault.message, /the engine died/);
      }
    });

    it('is read while it comes', async () => {
      server.script(streams(text('one ', 'two '), finish('stop'), usage(), done()));
      const pieces: string[] = [];
      await ask(modelFor(api), { onText: (delta) => pieces.push(delta) });
      assert.deepEqual(pieces, ['one ', 'two ']);
    });

    it('leaves a parameter out that the model rejects', async () => {
      server.script(
        fails(400, "Unsupported parameter: 'temperature' is not supported with this model."),
        says('Hello.'),
      );
      const { end } = await ask(modelFor(api, { temperature: 0.5 }));
      assert.equal(end.status, 'finished');
      assert.deepEqual(
        server.requests.map(({ sent }) => valuesOf(sent, 'temperature')),
        [[0.5], []],
      );
    });
  });
}

for (const api of ['responses', 'messages'] as const) {
  describe(`reasoning of the API ${api}`, () => {
    async function signaturesOf(block?: Record<string, unknown>) {
      server.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]));
      const { end } = await ask(modelFor(api, block), { tools });
      assert.ok(end.status === 'finished' && end.signatures !== null);
      server.reset();
      // As it comes back from the log.
      return JSON.parse(JSON.stringify(end.signatures)) as unknown;
    }

    it('is sent back before its call', async () => {
      const signatures = await signaturesOf();
      server.script(says('Five.'));
      await ask(modelFor(api), { messages: afterCall(signatures), tools });
      assert.deepEqual(server.violations, []);
      assert.match(JSON.stringify(server.requests[0]?.sent), /sealed-(?:\w+-)?for-gpt-6-sol/);
    });

    it('is left out for another model, provider or API', async () => {
      const signatures = await signaturesOf();
      server.script(() => says('Five.'));
      await ask(modelFor(api), { messages: afterCall(signatures), tools, model: 'gpt-6-luna' });
      await ask(modelFor(api === 'messages' ? 'responses' : 'messages'), { messages: afterCall(signatures), tools });
      await ask(modelFor('chat'), { messages: afterCall(signatures), tools });
      const other = languageModelAt(server.url, {
        active: 'other',
        providers: { other: { base_url: server.url, model: MODEL, api } },
      });
      await ask(other, { messages: afterCall(signatures), tools });
      assert.deepEqual(server.violations, []);
      assert.doesNotMatch(JSON.stringify(server.requests.map(({ sent }) => sent)), /sealed-/);
    });
  });
}

describe('an end that is no success', () => {
  it('is named by Parley, and not quoted as words of the provider', async () => {
    const status = { type: 'response.completed', response: { status: 'cancelled', output: [] } };
    const stop = { type: 'message_delta', delta: { stop_reason: 'pause_turn' } };
    for (const [api, event, reason] of [
      ['responses', status, 'cancelled'],
      ['messages', stop, 'pause_turn'],
    ] as const) {
      server.script(streams(data(JSON.stringify(event))));
      const { end } = await ask(modelFor(api));
      assert.ok(end.status === 'failed');
      assert.match(end.fault.message, new RegExp(`did not finish its answer, which ended with "${reason}"`));
    }
  });

  it('has the words of an error event', async () => {
    const event = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    server.script(streams(data(JSON.stringify(event))));
    const { end } = await ask(modelFor('messages'));
    assert.ok(end.status === 'failed');
    assert.match(end.fault.message, /Overloaded/);
  });
});

describe('the Responses API', () => {
  it('stores nothing at the provider, and names the conversation by a hash', async () => {
    server.script(() => says('Hello.'));
    const place = (turn: string) => ['me@example.org', 'talk', turn] as const;
    await ask(modelFor('responses'), { place: place('one') });
    await ask(modelFor('responses'), { place: place('two') });
    const [first, second] = server.requests.map(({ sent }) => sent as Record<string, unknown>);
    assert.equal(first?.['store'], false);
    assert.deepEqual(first?.['include'], ['reasoning.encrypted_content']);
    assert.match(String(first?.['prompt_cache_key']), /^[\w-]{32}$/);
    assert.equal(first?.['prompt_cache_key'], second?.['prompt_cache_key']);
  });

  it('gets the parameters of chat completions under its own names', async () => {
    server.script(says('Hello.'));
    await ask(modelFor('responses', { max_tokens: 500, reasoning_effort: 'high', verbosity: 'low' }));
    assert.deepEqual(server.violations, []);
    const sent = server.requests[0]?.sent as Record<string, unknown>;
    assert.equal(sent['max_output_tokens'], 500);
    assert.deepEqual(sent['reasoning'], { summary: 'auto', effort: 'high' });
    assert.deepEqual(sent['text'], { verbosity: 'low' });
  });

  it('sends models without reasoning none of its parameters', async () => {
    server.script(says('Hello.'));
    await ask(modelFor('responses', { model: 'gpt-4.1-mini' }));
    const sent = server.requests[0]?.sent as Record<string, unknown>;
    assert.ok(!('include' in sent) && !('reasoning' in sent));
  });

  it('asks again without encrypted reasoning, or without summaries, where they are rejected', async () => {
    server.script(
      fails(400, 'Encrypted content is not supported with this model.'),
      fails(400, 'Your organization must be verified to generate reasoning summaries.'),
      says('Hello.'),
    );
    const { end } = await ask(modelFor('responses'));
    assert.equal(end.status, 'finished');
    const [, , last] = server.requests.map(({ sent }) => sent as Record<string, unknown>);
    assert.ok(last && !('include' in last) && !('reasoning' in last));
  });

  it('is named in the error for tools that a model takes nowhere else', async () => {
    server.script(
      fails(
        400,
        'Function tools with reasoning_effort are not supported for gpt-5.5 in /v1/chat/completions. Please use /v1/responses instead.',
      ),
    );
    const { end } = await ask(modelFor('chat'), { tools });
    assert.ok(end.status === 'failed');
    assert.match(end.fault.message, /set llm\.providers\.scripted\.api to responses/);
  });
});

describe('the Messages API', () => {
  it('marks the tools, the system prompt and the last two messages of the user for its cache', async () => {
    server.script(says('Five.'));
    await ask(modelFor('messages'), { messages: afterCall(null), tools });
    const sent = server.requests[0]?.sent as Record<string, { cache_control?: unknown }[]>;
    assert.deepEqual(sent['tools']?.at(-1)?.cache_control, { type: 'ephemeral' });
    assert.deepEqual(sent['system']?.at(-1)?.cache_control, { type: 'ephemeral' });
    assert.equal(valuesOf(sent['messages'], 'cache_control').length, 2);
  });

  it('marks nothing if the configuration says so', async () => {
    server.script(says('Five.'));
    await ask(modelFor('messages', { model_parameters: { [MODEL]: { cache_control: null } } }), {
      messages: afterCall(null),
      tools,
    });
    assert.deepEqual(valuesOf(server.requests[0]?.sent, 'cache_control'), []);
  });

  it('gets the key in its own header, with its version', async () => {
    server.script(says('Hello.'));
    const model = languageModelAt(server.url, {
      providers: { scripted: { base_url: server.url, model: MODEL, api: 'messages', api_key_env: 'THE_KEY' } },
      env: { THE_KEY: 'sk-ant-secret' },
    });
    await ask(model);
    const headers = server.requests[0]?.headers ?? {};
    assert.equal(headers['x-api-key'], 'sk-ant-secret');
    assert.equal(headers['anthropic-version'], '2023-06-01');
    assert.equal(headers.authorization, undefined);
  });

  it('gets the parameters of chat completions under its own names', async () => {
    server.script(says('Hello.'));
    await ask(modelFor('messages', { max_tokens: 500, reasoning_effort: 'minimal', stop: 'END', seed: 3, user: 'u1' }));
    assert.deepEqual(server.violations, []);
    const sent = server.requests[0]?.sent as Record<string, unknown>;
    assert.equal(sent['max_tokens'], 500);
    assert.deepEqual(sent['output_config'], { effort: 'low' });
    assert.deepEqual(sent['thinking'], { type: 'adaptive', display: 'summarized' });
    assert.deepEqual(sent['stop_sequences'], ['END']);
    assert.deepEqual(sent['metadata'], { user_id: 'u1' });
  });

  it('takes the longest answer that the model allows', async () => {
    server.script(
      fails(400, 'max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for this model'),
      says('Hello.'),
    );
    const { end } = await ask(modelFor('messages'));
    assert.equal(end.status, 'finished');
    assert.deepEqual(
      server.requests.map(({ sent }) => valuesOf(sent, 'max_tokens')),
      [[32_000], [8192]],
    );
  });

  it('asks without thinking for a call that another model began', async () => {
    server.script(
      fails(
        400,
        'messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block.',
      ),
      says('Five.'),
    );
    const { end } = await ask(modelFor('messages', { thinking: { type: 'enabled', budget_tokens: 2000 } }), {
      messages: afterCall(null),
      tools,
    });
    assert.equal(end.status, 'finished');
    assert.deepEqual(valuesOf(server.requests[1]?.sent, 'thinking'), [{ type: 'disabled' }]);
  });
});
