/** Tests the embedded demo model through the client of all providers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import { createDemoModel } from '../../src/demo/model.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';

const model = languageModelAt('http://demo.invalid/v1', { active: 'demo' });

const offer = (name: string, ...parameters: string[]): ChatCompletionTool => ({
  type: 'function',
  function: {
    name,
    parameters: { type: 'object', properties: Object.fromEntries(parameters.map((parameter) => [parameter, {}])) },
  },
});
const tools = [
  offer('add', 'a', 'b'),
  offer('current_time', 'timezone'),
  offer('word_count', 'text'),
  offer('list_folder', 'path'),
];

const user = (content: string): ChatCompletionMessageParam => ({ role: 'user', content });
const assistant = (content: string): ChatCompletionMessageParam => ({ role: 'assistant', content });

async function answerTo(messages: string | ChatCompletionMessageParam[], offered = tools) {
  const { text, end } = await ask(model, {
    messages: typeof messages === 'string' ? [user(messages)] : messages,
    tools: offered,
  });
  assert.ok(end.status === 'finished', JSON.stringify(end));
  const calls = end.toolCalls.map((call) => `${call.name} ${call.arguments}`);
  return { text, calls, end };
}

/** The history after a hop: the calls asked for, and a result for each. */
async function afterHop(
  messages: ChatCompletionMessageParam[],
  ...results: string[]
): Promise<ChatCompletionMessageParam[]> {
  const { end } = await answerTo(messages);
  const calls = end.toolCalls.map((call, at) => ({
    id: `${messages.length}-${at}`,
    type: 'function' as const,
    function: call,
  }));
  return [
    ...messages,
    { role: 'assistant', content: null, tool_calls: calls },
    ...calls.map((call, at) => ({ role: 'tool' as const, tool_call_id: call.id, content: results[at] ?? '' })),
  ];
}

test('says that it is a demo and which variables make it a real model', async () => {
  const { text, end } = await answerTo('Hello there');
  assert.match(text, /Hello there.*demo, not a language model/);
  for (const variable of ['OPENAI_API_KEY', 'GROQ_API_KEY', 'OPENROUTER_API_KEY', 'ANTHROPIC_API_KEY'])
    assert.ok(text.includes(variable));
  assert.ok(end.usage && end.usage.completion_tokens > 0 && end.usage.total_tokens > end.usage.completion_tokens);
});

describe('asks for the tool that a message means', () => {
  const table: [said: string, ...calls: string[]][] = [
    ['add 2 and 3', 'add {"a":2,"b":3}'],
    ['Please add -1.5 to 4!', 'add {"a":-1.5,"b":4}'],
    ['What is 2 + 3?', 'add {"a":2,"b":3}'],
    ['list the files', 'list_folder {"path":"."}'],
    ['list files in docs/guides', 'list_folder {"path":"docs/guides"}'],
    ['what time is it?', 'current_time {}'],
    ['What time is it in Europe/Berlin?', 'current_time {"timezone":"Europe/Berlin"}'],
    ['count the words in to be and then not to be', 'word_count {"text":"to be and then not to be"}'],
    ['how many words are in "one two"?', 'word_count {"text":"one two"}'],
    ['add 2 and 3 and also add 4 and 5', 'add {"a":2,"b":3}', 'add {"a":4,"b":5}'],
    [
      'add 2 and 3, list the files and what time is it',
      'add {"a":2,"b":3}',
      'list_folder {"path":"."}',
      'current_time {}',
    ],
    ['/call add {"a": 1}', 'add {"a": 1}'],
    [
      '/call nowhere {"a":{"then":"b"}}\n/call add not json\n/call bare',
      'nowhere {"a":{"then":"b"}}',
      'add not json',
      'bare {}',
    ],
  ];
  for (const [said, ...calls] of table) {
    test(JSON.stringify(said), async () => {
      const answer = await answerTo(said);
      assert.deepEqual([answer.calls, answer.text, answer.end.finishReason], [calls, '', 'tool_calls']);
    });
  }

  test('under another name, server prefix and parameters', async () => {
    assert.deepEqual((await answerTo('add 2 and 3', [offer('demo__add', 'a', 'b')])).calls, [
      'demo__add {"a":2,"b":3}',
    ]);
    assert.deepEqual((await answerTo('add 2 and 3', [offer('get-sum', 'left', 'right')])).calls, [
      'get-sum {"left":2,"right":3}',
    ]);
  });

  test('but not for one that is not offered', async () => {
    const { calls, text } = await answerTo('add 2 and 3', []);
    assert.deepEqual(calls, []);
    assert.match(text, /demo/);
  });
});

describe('hops', () => {
  test('"then" asks for one tool after the other, and the results come back in words', async () => {
    const asked = [user('add 2 and 3 then add 4 and 5')];
    assert.deepEqual((await answerTo(asked)).calls, ['add {"a":2,"b":3}']);
    const once = await afterHop(asked, '5');
    assert.deepEqual((await answerTo(once)).calls, ['add {"a":4,"b":5}']);
    const twice = await afterHop(once, '9');
    const { text, calls } = await answerTo(twice);
    assert.deepEqual(calls, []);
    assert.match(text, /add.*"a":2.*: 5\n.*add.*"a":4.*: 9/);
  });

  test('a line "then" separates hops of /call', async () => {
    const asked = [user('/call add {"a":1}\nthen\n/call add {"a":2}')];
    assert.deepEqual((await answerTo(asked)).calls, ['add {"a":1}']);
    assert.deepEqual((await answerTo(await afterHop(asked, '1'))).calls, ['add {"a":2}']);
  });

  test('tell what there is when tools are no longer offered', async () => {
    const once = await afterHop([user('add 2 and 3 then add 4 and 5')], '5');
    const { text, calls } = await answerTo(once, []);
    assert.deepEqual(calls, []);
    assert.match(text, /: 5$/);
  });
});

describe('remembers what the history tells, and no more', () => {
  const history = [
    user('My name is Ada.'),
    assistant('Nice to meet you.'),
    user('Do you like tea?'),
    assistant('I am a demo.'),
  ];
  const table: [question: string, expected: RegExp][] = [
    ['What is my name?', /Your name is Ada\./],
    ['what did I say first?', /first thing you said was: "My name is Ada\."/],
    ['What did I say before?', /Before this you said: "Do you like tea\?"/],
  ];
  for (const [question, expected] of table) {
    test(question, async () => {
      assert.match((await answerTo([...history, user(question)])).text, expected);
      assert.match((await answerTo(question)).text, /first message of yours|not said your name/);
    });
  }
});

describe('long answers', () => {
  test('count as far as told', async () => {
    assert.equal((await answerTo('count to 50')).text, Array.from({ length: 50 }, (_, at) => at + 1).join(', '));
  });

  test('tell a story, or as many words as told', async () => {
    assert.ok((await answerTo('Tell me a long story')).text.length > 2_000);
    assert.equal((await answerTo('/say 40')).text.split(' ').length, 40);
  });

  test('are bounded', async () => {
    assert.equal((await answerTo('count to 999999999')).text.split(', ').length, 2_000);
    assert.equal((await answerTo('/say 999999999')).text.split(' ').length, 5_000);
  });

  test('stop where they are when cancelled, at a human pace', async () => {
    const slow = languageModelAt('http://demo.invalid/v1', {
      active: 'demo',
      demo: createDemoModel({ chunkDelayMs: 5 }),
    });
    const controller = new AbortController();
    let pieces = 0;
    const { text, end } = await ask(slow, {
      messages: [user('count to 1000')],
      signal: controller.signal,
      onText() {
        pieces += 1;
        if (pieces === 3) controller.abort();
      },
    });
    assert.deepEqual([text, end], ['1, 2, 3, ', { status: 'aborted' }]);
  });
});

test('a message made to be slow to match is answered', async () => {
  // A pattern that backtracks would run for years: the limit of the test ends it.
  for (const piece of ['tell ', ' ', '.', 'and ', '\n', 'my name is '])
    assert.notEqual((await answerTo(`x${piece.repeat(20_000)}x`)).text, '');
});
