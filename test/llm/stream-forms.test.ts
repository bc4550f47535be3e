/** Tests forms of deltas, ends and errors in streams that differ from OpenAI's: each was seen from a server or a gateway. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAccumulator } from '../../src/llm/stream/accumulator.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import { startModelServer } from '../support/model/server.ts';
import { answersWith } from '../support/model/replies.ts';

const chunk = (delta: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** What a stream of these chunks says. */
function read(...chunks: (object | string)[]) {
  const said = { text: '', reasoning: '' };
  const accumulator = createAccumulator(
    {
      queued() {},
      withoutTools() {},
      withoutSome() {},
      textWasReasoning() {},
      text: (delta) => void (said.text += delta),
      reasoning: (delta) => void (said.reasoning += delta),
    },
    'auto',
  );
  for (const each of chunks) if (!accumulator.read(typeof each === 'string' ? each : JSON.stringify(each))) break;
  accumulator.end();
  const answer = accumulator.answer();
  const calls = answer?.toolCalls.map((call) => `${call.name} ${call.arguments}`);
  return { ...said, finish: answer?.finishReason ?? null, calls, error: accumulator.error };
}

describe('words', () => {
  const forms: [form: string, delta: object][] = [
    ['an object with text', { content: { type: 'text', text: 'Hello' } }],
    ['a list of texts', { content: ['Hel', 'lo'] }],
    ['a list of parts of other types', { content: [{ type: 'output_text', text: 'Hello' }] }],
  ];
  for (const [form, delta] of forms)
    it(`are read from ${form}`, () => assert.equal(read(chunk(delta), chunk({}, 'stop')).text, 'Hello'));

  it('are read from the completions before chat', () => {
    const { text, finish } = read({ choices: [{ text: 'Hel' }] }, { choices: [{ text: 'lo', finish_reason: 'stop' }] });
    assert.deepEqual([text, finish], ['Hello', 'stop']);
  });
});

describe('reasoning', () => {
  const forms: [form: string, delta: object][] = [
    ['`reasoning_text`', { reasoning_text: 'Hm' }],
    ['an object with content', { reasoning: { content: 'Hm' } }],
    ['a list of parts', { reasoning_content: [{ type: 'text', text: 'Hm' }] }],
    ['its details alone', { reasoning_details: [{ type: 'reasoning.text', text: 'Hm', index: 0 }] }],
    ['a summary in its details', { reasoning_details: [{ type: 'reasoning.summary', summary: 'Hm' }] }],
    ['text, though the details have it too', { reasoning: 'Hm', reasoning_details: [{ text: 'Hm' }] }],
  ];
  for (const [form, delta] of forms)
    it(`is read from ${form}`, () => {
      const { reasoning, text } = read(chunk(delta), chunk({ content: 'Yes' }, 'stop'));
      assert.deepEqual([reasoning, text], ['Hm', 'Yes']);
    });
});

describe('tool calls', () => {
  const add = { id: 'a', function: { name: 'add', arguments: '{"a":1}' } };
  const one = ['add {"a":1}'];
  const forms: [form: string, deltas: unknown[], calls: string[]][] = [
    ['an index as text', [[{ ...add, index: '0' }]], one],
    [
      'pieces under indexes as text',
      [
        [{ index: '0', id: 'a', function: { name: 'add', arguments: '' } }],
        [{ index: '1', id: 'b', function: { name: 'now', arguments: '' } }],
        [{ index: '0', function: { arguments: '{"a":1}' } }],
      ],
      [...one, 'now {}'],
    ],
    ['one call instead of a list', [add], one],
    ['a call without `function`', [[{ index: 0, id: 'a', type: 'function', name: 'add', arguments: { a: 1 } }]], one],
    [
      'the whole arguments once more at the end',
      [
        [{ index: 0, id: 'a', function: { name: 'add', arguments: '{"a"' } }],
        [{ index: 0, function: { arguments: ':1}' } }],
        [{ ...add, index: 0 }],
      ],
      one,
    ],
  ];
  for (const [form, deltas, calls] of forms)
    it(`are read from ${form}`, () => {
      const chunks = deltas.map((each) => chunk({ tool_calls: each }));
      assert.deepEqual(read(...chunks, chunk({}, 'tool_calls')).calls, calls);
    });
});

describe('the end', () => {
  for (const done of [' [DONE] ', '"[DONE]"', '[done]'])
    it(`is read from ${done}`, () => assert.equal(read(chunk({ content: 'x' }), done).finish, 'stop'));

  it('is no word `null`', () =>
    assert.equal(read(chunk({ content: 'x' }, 'null'), chunk({ content: 'y' }, 'stop')).text, 'xy'));
});

describe('an error within a stream', () => {
  const forms: object[] = [
    { error: true, message: 'worker died' },
    { error: [{ message: 'worker died' }] },
    { error: 'server_error', error_description: 'worker died' },
    { choices: [{ index: 0, delta: {}, finish_reason: 'error', error: { code: 502, message: 'worker died' } }] },
    { message: 'worker died', status: 500 },
    { status: 'error', message: 'worker died' },
    { success: false, error_message: 'worker died' },
    { base_resp: { status_code: 1002, status_msg: 'worker died' }, choices: null },
    { error_code: 336_100, error_msg: 'worker died' },
  ];
  for (const form of forms)
    it(`is found in ${JSON.stringify(form).slice(0, 60)}`, () =>
      assert.match(JSON.stringify(read(chunk({ content: 'Hel' }), form).error), /worker died/));

  const empty: object[] = [{ error: {} }, { error: { code: 0, message: '' } }, { base_resp: { status_code: 0 } }];
  for (const form of [...empty, { code: 200, message: 'success' }])
    it(`is not ${JSON.stringify(form)} beside words`, () =>
      assert.equal(read({ ...chunk({ content: 'Hi' }), ...form }, chunk({}, 'stop')).text, 'Hi'));

  it('names the finish reason in the words of Parley', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    model.script(answersWith('text/event-stream', `data: ${JSON.stringify(chunk({}, 'LANGUAGE'))}\n\n`));
    const { end } = await ask(languageModelAt(model.url));
    assert.ok(end.status === 'failed');
    assert.match(end.fault.message, /did not finish its answer, which ended with "LANGUAGE"/);
    assert.equal(end.fault.data['provider_says'], undefined);
  });

  for (const [form, line] of [
    ['a field of its own', 'error: {"message":"worker died"}\n\n'],
    ['a field of its own, in words', 'error: worker died\n\n'],
    ['a line of JSON', '{"error":{"message":"worker died"}}\n'],
  ] as const)
    it(`is found in ${form}`, async (t) => {
      const model = await startModelServer();
      t.after(() => model.close());
      model.script(answersWith('text/event-stream', `data: ${JSON.stringify(chunk({ content: 'Hel' }))}\n\n${line}`));
      const { end } = await ask(languageModelAt(model.url));
      assert.equal(end.status === 'failed' && end.fault.data['provider_says'], 'worker died');
    });
});

describe('a whole body', () => {
  for (const [form, body] of [
    ['lacks a finish reason', JSON.stringify({ choices: [{ message: { content: 'Hello' } }] })],
    [
      'has a chunk in each line',
      `${JSON.stringify(chunk({ content: 'Hello' }))}\n${JSON.stringify(chunk({}, 'stop'))}\n`,
    ],
  ] as const)
    it(`is an answer if it ${form}`, async (t) => {
      const model = await startModelServer();
      t.after(() => model.close());
      model.script(answersWith('application/json', body));
      const { text, end } = await ask(languageModelAt(model.url));
      assert.deepEqual([text, end.status], ['Hello', 'finished']);
    });
});
