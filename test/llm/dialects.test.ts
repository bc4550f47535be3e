/** Tests one answer in the dialects of all OpenAI-compatible providers. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { LanguageModel } from '../../src/llm/port.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import {
  bytes,
  data,
  delta,
  done,
  finish,
  says,
  scriptedModel,
  scriptedUsage,
  streams,
  text,
  usage,
  type Reply,
} from '../support/model/replies.ts';
import { startModelServer, type ModelServer } from '../support/model/server.ts';
import { asks, callParts, dialects } from '../support/model/tool-calls.ts';
import { dialectTable } from './dialect-table.ts';

let server: ModelServer;
let model: LanguageModel;

before(async () => {
  server = await startModelServer();
  model = languageModelAt(server.url);
});
after(() => server.close());
beforeEach(() => assert.deepEqual(server.violations, []));

async function answerTo(reply: Reply) {
  server.script(reply);
  const { text, reasoning, end } = await ask(model);
  assert.ok(end.status === 'finished', JSON.stringify(end));
  return { text, reasoning, ...end };
}

for (const { title, rows } of dialectTable) {
  describe(`${title.toLowerCase()}`, () => {
    for (const { dialect, speakers, reply, gives } of rows) {
      test(`with ${dialect} (${speakers})`, async () => {
        server.script(reply);
        const { text, reasoning, end } = await ask(model);
        if (end.status !== 'finished') {
          assert.deepEqual(
            { text, fault: end.status === 'failed' ? end.fault.code : end.status },
            { text: '', ...gives },
          );
          return;
        }
        const calls = end.toolCalls.map((call) => `${call.name} ${call.arguments}`);
        const expected = {
          text: '',
          reasoning: '',
          calls: [],
          finishReason: calls.length > 0 ? 'tool_calls' : 'stop',
          usage: end.usage,
          ...gives,
        };
        assert.deepEqual({ text, reasoning, calls, finishReason: end.finishReason, usage: end.usage }, expected);
      });
    }
  });
}

describe('tool calls', () => {
  const calls = [
    { name: 'add', arguments: { a: 2, b: 3, note: 'x'.repeat(12) } },
    { name: 'add', arguments: { a: 4, b: 5 } },
    { name: 'list_folder', arguments: { path: '.' } },
  ];
  const expected = calls.map((call) => ({ name: call.name, arguments: JSON.stringify(call.arguments) }));

  for (const dialect of dialects) {
    test(`parallel calls come whole out of the dialect "${dialect}"`, async () => {
      const answer = await answerTo(asks(calls, { dialect, say: 'Let me see.' }));
      assert.equal(answer.text, 'Let me see.');
      assert.equal(answer.finishReason, 'tool_calls');
      assert.deepEqual(answer.toolCalls, expected);
    });

    test(`a call without arguments asks with {} in the dialect "${dialect}"`, async () => {
      for (const nothing of ['', null]) {
        const answer = await answerTo(asks([{ name: 'now', arguments: nothing }], { dialect }));
        assert.deepEqual(answer.toolCalls, [{ name: 'now', arguments: '{}' }]);
      }
    });
  }

  for (const dialect of ['whole', 'together', 'indexless', 'split', 'same_index'] as const) {
    test(`calls that repeat one id stay two calls in the dialect "${dialect}"`, async () => {
      const twins = calls.slice(0, 2).map((call) => ({ ...call, id: dialect === 'same_index' ? '' : 'call_x' }));
      const answer = await answerTo(asks(twins, { dialect }));
      assert.deepEqual(answer.toolCalls, expected.slice(0, 2));
    });
  }

  for (const index of [0, undefined]) {
    test(`a call repeated after its arguments stays one call ${index === 0 ? 'with' : 'without'} an index`, async () => {
      const piece = (written: string) =>
        delta({ tool_calls: [{ index, id: 'a', function: { name: 'add', arguments: written } }] });
      const trailing = index === 0 ? [piece('\n'), piece('')] : [piece('')];
      const answer = await answerTo(streams(piece('{"a":2}'), trailing, finish('tool_calls'), done()));
      assert.deepEqual(
        answer.toolCalls.map((call) => call.arguments.trim()),
        ['{"a":2}'],
      );
    });
  }

  test('arguments that are no JSON are passed on as the model wrote them', async () => {
    const answer = await answerTo(asks([{ name: 'add', arguments: '{"a": 2' }]));
    assert.deepEqual(answer.toolCalls, [{ name: 'add', arguments: '{"a": 2' }]);
  });

  test('calls of an answer that ran into its length limit are not asked for', async () => {
    const answer = await answerTo(asks(calls, { finish: 'length' }));
    assert.deepEqual([answer.finishReason, answer.toolCalls], ['length', []]);
  });
});

describe('words', () => {
  const table: [title: string, reply: Reply, expected: { text: string; reasoning?: string; finishReason?: string }][] =
    [
      ['a plain answer', says('Hello there.'), { text: 'Hello there.' }],
      [
        "the finish in the last word's chunk",
        streams(text('a'), delta({ content: 'b' }, 'stop'), done()),
        { text: 'ab' },
      ],
      ['an end without [DONE]', streams(text('a'), finish('stop')), { text: 'a' }],
      [
        'CRLF and no space after the colon',
        streams(bytes('data:{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\r\n\r\n')),
        { text: 'a' },
      ],
      ['null contents', streams(delta({ role: 'assistant', content: null }), text('a'), finish('stop')), { text: 'a' }],
      ['tool_calls without any call', streams(text('a'), finish('tool_calls')), { text: 'a', finishReason: 'stop' }],
      [
        'a second choice',
        streams(text('a'), data('{"choices":[{"index":1,"delta":{"content":"z"}}]}'), finish('stop')),
        { text: 'a' },
      ],
      [
        'an error after the finish',
        streams(text('a'), finish('stop'), data('{"error":{"message":"too late"}}')),
        { text: 'a' },
      ],
    ];

  for (const [title, reply, expected] of table) {
    test(`are read from ${title}`, async () => {
      const answer = await answerTo(reply);
      assert.equal(answer.text, expected.text);
      assert.equal(answer.reasoning, expected.reasoning ?? '');
      assert.equal(answer.finishReason, expected.finishReason ?? 'stop');
    });
  }

  test('keep characters that are split over packets', async () => {
    const line = Buffer.from('data: {"choices":[{"delta":{"content":"ä😀"},"finish_reason":"stop"}]}\n\n');
    const response = new Response(
      new ReadableStream({
        start(controller) {
          for (const byte of line) controller.enqueue(new Uint8Array([byte]));
          controller.close();
        },
      }),
    );
    const bytewise = languageModelAt(server.url, { active: 'demo', demo: { fetch: () => Promise.resolve(response) } });
    assert.equal((await ask(bytewise)).text, 'ä😀');
  });
});

describe('usage', () => {
  const details = { prompt_tokens_details: { cached_tokens: 3 }, completion_tokens_details: { reasoning_tokens: 2 } };
  const table: [title: string, reply: Reply, expected: unknown][] = [
    ['as null', streams(delta({ content: 'a' }, 'stop', { usage: null })), null],
    [
      'without the sum',
      streams(finish('stop'), usage({ prompt_tokens: 2, completion_tokens: 3 })),
      { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 },
    ],
    [
      'with details',
      streams(finish('stop'), usage({ ...scriptedUsage, ...details })),
      { ...scriptedUsage, cached_tokens: 3, reasoning_tokens: 2 },
    ],
  ];
  for (const [title, reply, expected] of table) {
    test(`is read ${title}`, async () => assert.deepEqual((await answerTo(reply)).usage, expected));
  }

  test('names the model that answered, or else the one that was asked', async () => {
    assert.equal((await answerTo(says('a'))).model, scriptedModel);
    assert.equal(
      (await answerTo(streams(bytes('data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n')))).model,
      'configured-model',
    );
  });
});

test('a mixed answer keeps its words and its calls', async () => {
  const parts = [text('One. '), callParts([{ name: 'add', arguments: { a: 1 } }], 'split'), text('Two.')].flat();
  const answer = await answerTo(streams(parts, finish('tool_calls'), usage(), done()));
  assert.equal(answer.text, 'One. Two.');
  assert.deepEqual(answer.toolCalls, [{ name: 'add', arguments: '{"a":1}' }]);
});
