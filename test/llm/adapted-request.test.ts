/** Checks which rejections change a request, how often it is sent, and what is kept for later requests. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import type { ProviderBlock } from '../../src/llm/providers/provider.ts';
import { changeFor, withChanges, type RequestBody } from '../../src/llm/stream/adapted-request.ts';
import type { RequiredChange } from '../../src/llm/stream/learned-changes.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import { answersWith, fails, says } from '../support/model/replies.ts';
import { startModelServer, type ModelServer } from '../support/model/server.ts';

const add: ChatCompletionTool = {
  type: 'function',
  function: { name: 'add', parameters: { type: 'object', properties: {} } },
};

describe('the change of a rejected request', () => {
  const tools = { tools: [add], tool_choice: 'auto', parallel_tool_calls: false };
  const noTools = { tools: undefined, tool_choice: undefined, parallel_tool_calls: undefined };
  const gpt56 =
    "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.";
  const usage = { include_usage: true };
  interface Row {
    speaker: string;
    message: string;
    status?: number;
    param?: string;
    sent: RequestBody;
    /** What differs in the changed body. Undefined values are left out. Null: the body is not changed. */
    changes: RequestBody | null;
  }
  const rows: Row[] = [
    {
      speaker: 'OpenAI, max_tokens',
      message:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      param: 'max_tokens',
      sent: { max_tokens: 64 },
      changes: { max_tokens: undefined, max_completion_tokens: 64 },
    },
    {
      speaker: 'OpenAI, a value',
      message:
        "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
      param: 'temperature',
      sent: { temperature: 0.7, top_p: 1 },
      changes: { temperature: undefined },
    },
    {
      speaker: 'OpenAI, an argument',
      message: 'Unrecognized request argument supplied: stream_options',
      sent: { stream_options: usage },
      changes: { stream_options: undefined },
    },
    {
      speaker: 'xAI, in its own spelling',
      message: 'Argument not supported on this model: presencePenalty',
      sent: { presence_penalty: 1 },
      changes: { presence_penalty: undefined },
    },
    {
      speaker: 'xAI, a word',
      message: 'Argument not supported on this model: stop',
      sent: { stop: ['x'], temperature: 1 },
      changes: { stop: undefined },
    },
    {
      speaker: 'Together, the second of a list',
      message: 'Unrecognized request arguments supplied: seed, top_k',
      sent: { top_k: 2 },
      changes: { top_k: undefined },
    },
    {
      speaker: 'OpenAI, a part of an object',
      message: "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
      param: 'reasoning.effort',
      sent: { reasoning: { effort: 'low' } },
      changes: { reasoning: undefined },
    },
    {
      speaker: 'Groq, other values',
      message: 'reasoning_effort must be one of `none` or `default`',
      sent: { reasoning_effort: 'low' },
      changes: { reasoning_effort: undefined },
    },
    {
      speaker: 'Gemini, without a name',
      message: 'Penalty is not enabled for this model',
      sent: { frequency_penalty: 1 },
      changes: { frequency_penalty: undefined },
    },
    {
      speaker: 'a sentence with the name in its middle',
      message: 'The model does not support the temperature parameter',
      sent: { temperature: 1 },
      changes: { temperature: undefined },
    },
    ...[
      'Function calling is not enabled for models/gemma-3-27b-it',
      'The model does not support tool_calls',
      'Validation: Unsupported parameter(s): `tools`',
    ].map((message) => ({ speaker: `tools: ${message}`, message, sent: tools, changes: noTools })),
    {
      speaker: 'OpenAI, GPT-5.6 with tools',
      message: gpt56,
      param: 'reasoning_effort',
      sent: tools,
      changes: { reasoning_effort: 'none' },
    },
    {
      speaker: 'OpenAI, GPT-5.6 with tools and an effort',
      message: gpt56,
      param: 'reasoning_effort',
      sent: { ...tools, reasoning_effort: 'high' },
      changes: { reasoning_effort: 'none' },
    },
    {
      speaker: 'Groq',
      message: "property 'stream_options' is unsupported",
      sent: { stream_options: usage },
      changes: { stream_options: undefined },
    },
    {
      speaker: 'Groq, an effort',
      message: '`reasoning_effort` is not supported with this model',
      sent: { reasoning_effort: 'low' },
      changes: { reasoning_effort: undefined },
    },
    {
      speaker: 'Mistral',
      message: '{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}',
      status: 422,
      sent: { seed: 1 },
      changes: { seed: undefined },
    },
    {
      speaker: 'Anthropic',
      message: '`temperature` is deprecated for this model.',
      sent: { temperature: 0.7 },
      changes: { temperature: undefined },
    },
    {
      speaker: 'Gemini',
      message: 'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
      sent: { seed: 1 },
      changes: { seed: undefined },
    },
    {
      speaker: 'Ollama, an effort',
      message: '"gemma3" does not support thinking',
      sent: { reasoning_effort: 'low' },
      changes: { reasoning_effort: undefined },
    },
    {
      speaker: 'Ollama',
      message: 'registry.ollama.ai/library/gemma3:4b does not support tools',
      sent: tools,
      changes: noTools,
    },
    {
      speaker: 'vLLM',
      message: '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
      sent: tools,
      changes: noTools,
    },
    {
      speaker: 'OpenRouter',
      message: 'No endpoints found that support tool use.',
      status: 404,
      sent: tools,
      changes: noTools,
    },
    { speaker: 'llama.cpp', message: 'tools param requires --jinja flag', status: 500, sent: tools, changes: noTools },
    { speaker: 'Groq', message: '`tool calling` is not supported with this model', sent: tools, changes: noTools },
    // From here on nothing may change.
    {
      speaker: 'a limit that is too high',
      message: 'max_tokens is too large: 100000. This model supports at most 16384 completion tokens.',
      param: 'max_tokens',
      sent: { max_tokens: 100_000 },
      changes: null,
    },
    {
      speaker: 'a value out of range',
      message: 'temperature must be between 0 and 1',
      param: 'temperature',
      sent: { temperature: 2 },
      changes: null,
    },
    {
      speaker: 'a parameter for privacy',
      message: "Unsupported parameter: 'store' is not supported with this model.",
      param: 'store',
      sent: { store: false },
      changes: null,
    },
    {
      speaker: 'an unsupported model',
      message: 'The model `m` is not supported.',
      param: 'model',
      sent: { ...tools, temperature: 1 },
      changes: null,
    },
    {
      speaker: 'an invalid tool',
      message: "Invalid schema for function 'add': 'oneOf' is not supported.",
      param: 'tools[0].function.parameters',
      sent: tools,
      changes: noTools,
    },
    {
      speaker: 'a rejected key',
      message: "Your plan does not support 'temperature'",
      status: 403,
      param: 'temperature',
      sent: { temperature: 1 },
      changes: null,
    },
    { speaker: 'tools that were not sent', message: 'm does not support tools', sent: {}, changes: null },
  ];
  for (const { speaker, message, status = 400, param = null, sent, changes } of rows) {
    it(`${changes === null ? 'is none' : 'removes the cause'} for ${speaker}: ${message.slice(0, 60)}`, () => {
      const body = { model: 'm', messages: [], ...sent, stream: true };
      const change = changeFor({ status, param, message }, body, []);
      const changed = change && withChanges(body, [change]);
      // As JSON, without undefined values.
      const expected: unknown = changes && JSON.parse(JSON.stringify({ ...body, ...changes }));
      assert.deepEqual(changed, expected);
    });
  }

  it('is none for a parameter that was changed already', () => {
    const rejection = { status: 400, param: 'temperature', message: "Unsupported value: 'temperature'" };
    assert.equal(changeFor(rejection, { temperature: 1 }, [{ parameter: 'temperature' }]), null);
  });
});

describe('a request that the model rejects', () => {
  let server: ModelServer;
  let changes: RequiredChange[];
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());
  beforeEach(() => {
    changes = [];
  });
  afterEach(() => assert.deepEqual(server.violations, []));

  const modelWith = (block: ProviderBlock) =>
    languageModelAt(server.url, {
      providers: { scripted: { base_url: server.url, model: 'm', ...block } },
      onRequiredChange: (change) => changes.push(change),
    });
  /** Plays a model that is as strict as OpenAI's reasoning models. */
  const rejectUnsupported = () =>
    server.script(({ body }) => {
      const named = ['max_tokens', 'temperature', 'top_p'].find((name) => name in body);
      const error = {
        message: `Unsupported parameter: '${named}' is not supported with this model.`,
        type: 'invalid_request_error',
        param: named,
        code: 'unsupported_parameter',
      };
      return named === undefined || body.model === 'tolerant'
        ? says('Fine.')
        : answersWith('application/json', JSON.stringify({ error }), 400);
    });
  const sentSince = (count: number) => server.requests.slice(count).map(({ body }) => body);

  it('is sent without its unsupported parameters, and later ones at once', async () => {
    const model = modelWith({ max_tokens: 64, temperature: 0.7, allowed_models: ['tolerant'] });
    rejectUnsupported();
    const count = server.requests.length;
    for (let hop = 0; hop < 2; hop += 1) assert.equal((await ask(model)).text, 'Fine.');
    const sent = sentSince(count);
    assert.deepEqual(
      sent.map((body) => ['max_tokens', 'max_completion_tokens', 'temperature'].map((name) => body[name])),
      [
        [64, undefined, 0.7],
        [undefined, 64, 0.7],
        [undefined, 64, undefined],
        [undefined, 64, undefined],
      ],
    );
    const write =
      'llm.providers.scripted.model_parameters: {"m":{"max_tokens":null,"max_completion_tokens":64,"temperature":null}}';
    assert.deepEqual(changes, [
      { provider: 'scripted', model: 'm', parameter: 'max_tokens', tools: null, write },
      { provider: 'scripted', model: 'm', parameter: 'temperature', tools: null, write },
    ]);
    await ask(model, { model: 'tolerant' });
    const [other] = sentSince(count + sent.length);
    assert.deepEqual([other?.['max_tokens'], other?.['temperature']], [64, 0.7]);
  });

  it('is sent as the logged line says, with nothing left to change', async () => {
    const model = modelWith({
      max_tokens: 64,
      model_parameters: { m: { max_tokens: null, max_completion_tokens: 64, stream_options: null } },
    });
    rejectUnsupported();
    const count = server.requests.length;
    assert.equal((await ask(model)).text, 'Fine.');
    const sent = sentSince(count);
    assert.deepEqual([sent.length, changes], [1, []]);
    assert.deepEqual(Object.keys(sent[0] ?? {}).toSorted(), ['max_completion_tokens', 'messages', 'model', 'stream']);
  });

  it('is sent without the tools that the model does not support, and the sink is notified each time', async () => {
    const model = modelWith({ tool_choice: 'auto' });
    server.script(({ body }) => (body.tools ? fails(400, 'gemma3:4b does not support tools') : says('Hello!')));
    const count = server.requests.length;
    for (let turn = 0; turn < 2; turn += 1) {
      const { text, withoutTools } = await ask(model, { tools: [add] });
      assert.deepEqual([text, withoutTools], ['Hello!', 1]);
    }
    assert.deepEqual(
      sentSince(count).map((body) => ['tools' in body, 'tool_choice' in body]),
      [
        [true, true],
        [false, false],
        [false, false],
      ],
    );
    const write = 'llm.providers.scripted.model_parameters: {"m":{"tools":"never"}}';
    assert.deepEqual(changes, [{ provider: 'scripted', model: 'm', parameter: 'tools', tools: null, write }]);
  });

  for (const [title, block] of [
    ['of its block', { tools: 'never', tool_choice: 'auto' }],
    ['of its model', { tools: 'auto', model_parameters: { m: { tools: 'never' } } }],
  ] as const) {
    it(`has no tools by \`tools: never\` ${title}, without a notice`, async () => {
      server.script(() => says('Hello!'));
      const count = server.requests.length;
      const { withoutTools } = await ask(modelWith(block), { tools: [add] });
      assert.equal(withoutTools, 0);
      assert.deepEqual(Object.keys(sentSince(count)[0] ?? {}).toSorted(), [
        'messages',
        'model',
        'stream',
        'stream_options',
      ]);
    });
  }

  it('keeps its reasoning effort where it has no tools', async () => {
    const model = modelWith({ reasoning_effort: 'high' });
    server.script(({ body }) =>
      body.tools && body['reasoning_effort'] !== 'none'
        ? fails(400, "Function tools with reasoning_effort are not supported. Set reasoning_effort to 'none'.")
        : says('Fine.'),
    );
    const count = server.requests.length;
    for (const tools of [[add], [], [add]]) assert.equal((await ask(model, { tools })).text, 'Fine.');
    assert.deepEqual(
      sentSince(count).map((body) => body['reasoning_effort']),
      ['high', 'none', 'high', 'none'],
    );
  });

  it('fails with the rejection after three changes, and keeps none of them', async () => {
    const stated = { temperature: 0.7, top_p: 0.9, seed: 1, stop: 'x' };
    server.script(({ body }) =>
      fails(400, `Unsupported parameter: '${Object.keys(stated).find((name) => name in body)}'`),
    );
    const count = server.requests.length;
    const { end } = await ask(modelWith(stated));
    assert.deepEqual([end.status, server.requests.length - count, changes], ['failed', 4, []]);
    assert.ok(end.status === 'failed' && end.fault.message.includes("'stop'"));
  });

  it('is not sent again for another reason', async () => {
    for (const reply of [
      fails(429, "'temperature' is not supported at this rate"),
      fails(401, "'temperature' is not supported"),
      fails(400, 'The conversation is too long'),
      fails(503, "'temperature' is not supported"),
    ]) {
      server.script(reply);
      const count = server.requests.length;
      const { end } = await ask(modelWith({ temperature: 0.7 }));
      assert.deepEqual([end.status, server.requests.length - count], ['failed', 1]);
    }
  });
});
