/** Tests the ids and names of tool calls in a history for the strictest providers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import { strictMessages } from '../../src/llm/strict-messages.ts';

const asks = (id: string, name: string): ChatCompletionMessageParam => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id, type: 'function', function: { name, arguments: '{}' } }],
});
const answers = (id: string): ChatCompletionMessageParam => ({ role: 'tool', tool_call_id: id, content: 'ok' });

function callOf(messages: readonly ChatCompletionMessageParam[]) {
  const [asked, result] = messages;
  assert.ok(asked?.role === 'assistant' && asked.tool_calls?.[0]?.type === 'function' && result?.role === 'tool');
  return { id: asked.tool_calls[0].id, name: asked.tool_calls[0].function.name, resultOf: result.tool_call_id };
}

describe('the history', () => {
  test('keeps ids and names that every provider accepts', () => {
    const messages = [asks('Ab3dE6gH9', 'add'), answers('Ab3dE6gH9')];
    assert.deepEqual(strictMessages(messages), messages);
  });

  test('gives a call and its result of an earlier version the same short id, in every request', () => {
    const long = 'call_24fae84e-4bc2-4dc2-95ca-415959be6ae2';
    const first = callOf(strictMessages([asks(long, 'add'), answers(long)]));
    assert.match(first.id, /^[a-zA-Z0-9]{9}$/);
    assert.equal(first.resultOf, first.id);
    assert.deepEqual(callOf(strictMessages([asks(long, 'add'), answers(long)])), first);
  });

  for (const name of ['functions.add', 'add<|channel|>commentary', 'add numbers', 'add'.repeat(30), ''])
    test(`holds no invalid name for a call of ${JSON.stringify(name.slice(0, 30))}`, () => {
      assert.match(
        callOf(strictMessages([asks('Ab3dE6gH9', name), answers('Ab3dE6gH9')])).name,
        /^[a-zA-Z0-9_-]{1,64}$/,
      );
    });
});
