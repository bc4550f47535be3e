/** Checks which tools a rejection is about, in the words of many providers, and how a request goes on without them. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import type { RequiredChange } from '../../src/llm/stream/learned-changes.ts';
import { isAboutDeclarations, nameOf, rejectedTools } from '../../src/llm/stream/rejected-tools.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import { answersWith, fails, says } from '../support/model/replies.ts';
import { startModelServer, type ModelServer } from '../support/model/server.ts';
import { asks } from '../support/model/tool-calls.ts';

const tool = (
  name: string,
  parameters: Record<string, unknown> = { type: 'object', properties: {} },
): ChatCompletionTool => ({
  type: 'function',
  function: { name, description: `Does ${name}.`, parameters },
});
const names = ['search', 'bad', 'request', 'get_user', 'get_user_by_id'];
const tools = names.map((name) => tool(name));

describe('the tools that a rejection is about', () => {
  interface Row {
    speaker: string;
    message: string;
    param?: string;
    status?: number;
    named: string[];
    /** Whether it is about declarations at all, if it names none. */
    about?: boolean;
  }
  const rows: Row[] = [
    {
      speaker: 'OpenAI, a schema',
      message: "Invalid schema for function 'bad': In context=(), object schema missing properties.",
      param: 'tools[1].function.parameters',
      named: ['bad'],
    },
    {
      speaker: 'OpenAI, a name',
      message: "Invalid 'tools[3].function.name': string does not match pattern.",
      param: 'tools[3].function.name',
      named: ['get_user'],
    },
    {
      speaker: 'OpenAI, a description',
      message:
        "Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1024, but got a string with length 1500 instead.",
      named: ['search'],
    },
    {
      speaker: 'OpenAI, the number',
      message:
        "Invalid 'tools': array too long. Expected an array with maximum length 3, but got an array with length 5 instead.",
      param: 'tools',
      named: ['get_user', 'get_user_by_id'],
    },
    {
      speaker: 'Anthropic',
      message: 'tools.1.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level',
      named: ['bad'],
    },
    {
      speaker: 'Gemini',
      message:
        '* GenerateContentRequest.tools[0].function_declarations[1].parameters.properties[a].items: missing field.\n* GenerateContentRequest.tools[0].function_declarations[4].name: Invalid function name. Must start with a letter or an underscore.',
      named: ['bad', 'get_user_by_id'],
    },
    {
      speaker: 'Gemini, an unknown field',
      message:
        'Invalid JSON payload received. Unknown name "const" at \'tools[0].function_declarations[2].parameters.properties[0].value\': Cannot find field.',
      named: ['request'],
    },
    {
      speaker: 'Vertex AI',
      message:
        "Unable to submit request because get_user_by_id functionDeclaration parameters.key schema didn't specify the schema type field.",
      named: ['get_user_by_id'],
    },
    {
      speaker: 'vLLM',
      message: "[{'type': 'missing', 'loc': ('body', 'tools', 1, 'function', 'parameters')}]",
      named: ['bad'],
    },
    {
      speaker: 'pydantic',
      message: 'body -> tools -> 3 -> function: field required',
      status: 422,
      named: ['get_user'],
    },
    {
      speaker: 'Groq',
      message: 'invalid JSON schema for tool get_user_by_id, tools[4].function.parameters: `/properties/a`: bad',
      named: ['get_user_by_id'],
    },
    { speaker: 'a gateway', message: 'Tool `bad` has an unsupported schema', named: ['bad'] },
    { speaker: 'one that names none', message: 'The schema of a tool parameters is invalid.', named: [], about: true },
    { speaker: 'one with a parameter only', message: 'Validation error', param: 'tools', named: [], about: true },
    { speaker: 'a plain word', message: 'This is a bad request: search for another model.', named: [] },
    { speaker: 'a message', message: 'messages[1].tool_calls[0].function.arguments: must be JSON', named: [] },
    { speaker: 'a long conversation', message: "This model's maximum context length is 3 tokens.", named: [] },
    { speaker: 'another status', message: "Invalid schema for function 'bad'", status: 500, named: [] },
  ];
  for (const { speaker, message, param = null, status = 400, named, about = false } of rows) {
    it(`are ${named.length === 0 ? 'none' : named.join(', ')} for ${speaker}`, () => {
      const rejection = { status, param, message };
      assert.deepEqual(rejectedTools(rejection, { tools }).map(nameOf), named);
      if (named.length === 0) assert.equal(isAboutDeclarations(rejection), about);
    });
  }
});

describe('a request with a tool that the provider rejects', () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());
  afterEach(() => assert.deepEqual(server.violations, []));

  const sentNames = (from: number) =>
    server.requests.slice(from).map(({ body }) => (body.tools ?? []).map((each) => nameOf(each)));
  const rejectNamed = (bad: readonly string[]) =>
    server.script(({ body }) => {
      const index = (body.tools ?? []).findIndex((each) => bad.includes(nameOf(each)));
      const error = { message: `Invalid 'tools[${index}].function.parameters'`, type: 'invalid_request_error' };
      return index < 0 ? says('Fine.') : answersWith('application/json', JSON.stringify({ error }), 400);
    });

  it('is sent once more without it, and later ones at once', async () => {
    const changes: RequiredChange[] = [];
    const model = languageModelAt(server.url, { onRequiredChange: (change) => changes.push(change) });
    rejectNamed(['bad']);
    const from = server.requests.length;
    const first = await ask(model, { tools });
    const second = await ask(model, { tools });
    const left = names.filter((name) => name !== 'bad');
    assert.deepEqual([first.text, first.leftOut, second.text, second.leftOut], ['Fine.', ['bad'], 'Fine.', []]);
    assert.deepEqual(sentNames(from), [names, left, left]);
    assert.deepEqual(
      changes.map((change) => [change.parameter, change.tools, change.write]),
      [['tools', ['bad'], '"excludeTools": ["bad"] in the block of the MCP server']],
    );
  });

  it('is sent with it again once its declaration has changed', async () => {
    const model = languageModelAt(server.url);
    rejectNamed(['bad']);
    await ask(model, { tools });
    const from = server.requests.length;
    server.script(() => says('Fine.'));
    const mended = tool('bad', { type: 'object', properties: { a: { type: 'string' } } });
    await ask(model, { tools: [mended] });
    assert.deepEqual(sentNames(from), [['bad']]);
  });

  it('is reported with the reason for each tool that the model does not get', async () => {
    const model = languageModelAt(server.url, {
      providers: { scripted: { base_url: server.url, model: 'm', max_tools: 3 } },
    });
    const offered = names.map((name, index) => ({
      name,
      server: index === 0 ? 'one' : 'two',
      description: `Does ${name}.`,
      inputSchema: { type: 'object', properties: {} },
    }));
    const reasons = () => Object.fromEntries(model.leftOut('scripted', 'm', offered));
    const tooMany = 'a request takes 3 tools (llm.providers.scripted.max_tools)';
    assert.deepEqual(reasons(), { get_user: tooMany, get_user_by_id: tooMany });
    rejectNamed(['bad']);
    await ask(model, { tools });
    assert.deepEqual(reasons(), { bad: 'the model rejects the declaration', get_user_by_id: tooMany });
    assert.deepEqual([...model.leftOut('other', 'm', offered)], []);
  });

  it('is sent without many of them, one after the other, and then without any', async () => {
    const many = Array.from({ length: 20 }, (_, index) => tool(`t${index}`));
    rejectNamed(many.map(nameOf));
    const from = server.requests.length;
    const { text } = await ask(languageModelAt(server.url), { tools: many });
    assert.equal(text, 'Fine.');
    assert.deepEqual(
      sentNames(from).map(({ length }) => length),
      [20, 19, 18, 17, 16, 15, 14, 13, 12, 0],
    );
  });

  it('is sent without all of them if the rejection names none', async () => {
    server.script(({ body }) => (body.tools ? fails(400, 'A function has an invalid schema.') : says('Fine.')));
    const { text, leftOut } = await ask(languageModelAt(server.url), { tools });
    assert.deepEqual([text, leftOut], ['Fine.', names]);
  });

  it('fails if the provider rejects the request without tools too', async () => {
    server.script(() => fails(400, 'The function schema is invalid.'));
    const from = server.requests.length;
    const { end } = await ask(languageModelAt(server.url), { tools });
    assert.deepEqual([end.status, server.requests.length - from], ['failed', 2]);
  });
});

describe('a declared tool', () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());

  it('has a name that every provider takes, and gets its call under its own', async () => {
    const offered = [
      tool('3d_render', { type: 'object', properties: { $filter: { type: 'string' } } }),
      tool('_3d_render'),
      tool('a.b'),
    ];
    const from = server.requests.length;
    server.script(
      asks([
        { name: '_3d_render_2', arguments: { _filter: 'x' } },
        { name: '_3d_render', arguments: {} },
        { name: 'a_b', arguments: '{"x":' },
      ]),
    );
    const { end } = await ask(languageModelAt(server.url), { tools: offered });
    assert.deepEqual(
      server.requests[from]?.body.tools?.map((each) => nameOf(each)),
      ['_3d_render_2', '_3d_render', 'a_b'],
    );
    assert.deepEqual(end.status === 'finished' && end.toolCalls, [
      { name: '3d_render', arguments: '{"$filter":"x"}' },
      { name: '_3d_render', arguments: '{}' },
      { name: 'a.b', arguments: '{"x":' },
    ]);
  });

  it('has a description within the limit of its provider, and none instead of an empty one', async () => {
    const model = languageModelAt(server.url, {
      providers: { scripted: { base_url: server.url, model: 'm', max_tool_description: 20 } },
    });
    const from = server.requests.length;
    server.script(says('Fine.'));
    const long: ChatCompletionTool = { type: 'function', function: { name: 'long', description: 'd'.repeat(30) } };
    const empty: ChatCompletionTool = { type: 'function', function: { name: 'empty', description: '' } };
    await ask(model, { tools: [long, empty] });
    const parameters = { type: 'object', properties: {} };
    assert.deepEqual(server.requests[from]?.body.tools, [
      { type: 'function', function: { name: 'long', description: `${'d'.repeat(17)}...`, parameters } },
      { type: 'function', function: { name: 'empty', parameters } },
    ]);
  });
});
