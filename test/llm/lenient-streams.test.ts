/** Tests streams that deviate from the format of OpenAI: heartbeats, missing ends, wrong labels, finish reasons, second choices. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { ask, languageModelAt } from '../support/model/ask.ts';
import type { LanguageModelOptions } from '../../src/llm/model.ts';

let answer: (response: ServerResponse) => void = () => {};
const server = createServer((request, response) => {
  request.resume().on('end', () => answer(response));
});
let url = '';
before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  url = `http://127.0.0.1:${address.port}/v1`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const chunk = (delta: object, finish: string | null = null) =>
  JSON.stringify({ model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] });
const event = (data: string) => `data: ${data}\n\n`;

/** Sends the text under a content type, then ends. */
function sends(text: string, type = 'text/event-stream'): Promise<Awaited<ReturnType<typeof ask>>> {
  answer = (response) => response.writeHead(200, { 'content-type': type }).end(text);
  return ask(languageModelAt(url));
}

async function textOf(text: string, type?: string): Promise<[string, string]> {
  const { text: said, end } = await sends(text, type);
  return [said, end.status];
}

const body = event(chunk({ content: 'Hello' }));
const stop = event(chunk({}, 'stop'));

describe('a stream', () => {
  for (const heartbeat of ['', ' ', 'ping', '1790000000', 'null', '[]'])
    test(`goes on after the heartbeat ${JSON.stringify(heartbeat)}`, async () => {
      assert.deepEqual(await textOf(event(heartbeat) + body + event(heartbeat) + stop), ['Hello', 'finished']);
    });

  test('ends with [DONE] if it has no finish reason', async () => {
    assert.deepEqual(await textOf(body + event('[DONE]')), ['Hello', 'finished']);
  });

  test('is cut without a finish reason and without [DONE]', async () => {
    assert.deepEqual(await textOf(body), ['Hello', 'failed']);
  });

  test('keeps its last event without a blank line', async () => {
    assert.deepEqual(await textOf(`${body}data: ${chunk({}, 'stop')}`), ['Hello', 'finished']);
  });

  for (const type of ['application/json', 'text/html', 'Text/Event-Stream; charset=UTF-8', 'application/octet-stream'])
    test(`is read as events under the label ${type}`, async () => {
      assert.deepEqual(await textOf(body + stop, type), ['Hello', 'finished']);
    });

  test('that is one JSON text is read whole, with or without its label', async () => {
    const whole = JSON.stringify({ choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }] });
    for (const type of ['application/json', 'text/plain'])
      assert.deepEqual(await textOf(whole, type), ['Hello', 'finished']);
  });

  test('does not repeat the text of a whole message after its pieces', async () => {
    const whole = JSON.stringify({ choices: [{ index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }] });
    assert.deepEqual(await textOf(body + event(whole)), ['Hello', 'finished']);
  });

  test('may hold its tool calls in a second choice', async () => {
    const call = { index: 0, id: 'x', type: 'function', function: { name: 'add', arguments: '{"a":1}' } };
    const second = JSON.stringify({
      choices: [{ index: 1, delta: { tool_calls: [call] }, finish_reason: 'tool_calls' }],
    });
    const { end } = await sends(body + event(second));
    assert.deepEqual(end.status === 'finished' && end.toolCalls, [{ name: 'add', arguments: '{"a":1}' }]);
  });
});

describe('the finish reason', () => {
  const reasons: Record<string, string> = {
    malformed_function_call: 'provider_failed',
    'function_call_filter: MALFORMED_FUNCTION_CALL': 'provider_failed',
    network_error: 'provider_failed',
    unknown_reason: 'provider_failed',
    'content_filter: PROHIBITED_CONTENT': 'content_filter',
    RECITATION: 'content_filter',
    IMAGE_PROHIBITED_CONTENT: 'content_filter',
    guardrail_intervened: 'content_filter',
    ERROR_LIMIT: 'length',
    model_context_window_exceeded: 'length',
    end_turn: 'stop',
  };
  for (const [reason, expected] of Object.entries(reasons))
    test(`${reason} means ${expected}`, async () => {
      const { end } = await sends(body + event(chunk({}, reason)));
      assert.equal(end.status === 'failed' ? end.fault.code : end.status === 'finished' && end.finishReason, expected);
    });
});

describe('the clocks of a stream', () => {
  /** Sends the first part, then comments at an interval until the client leaves. */
  function comments(first: string, options: Partial<LanguageModelOptions>) {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(first);
      const timer = setInterval(() => response.write(': keep-alive\n\n'), 10);
      response.on('close', () => clearInterval(timer));
    };
    return ask(languageModelAt(url, options));
  }

  test('do not take comments for an answer', async () => {
    const { end } = await comments(': wait\n\n', { firstByteTimeoutMs: 100 });
    assert.equal(end.status === 'failed' && end.fault.code, 'provider_timeout');
  });

  test('do not take comments for the rest of an answer', async () => {
    const { end, text } = await comments(body, { firstByteTimeoutMs: 100, stallTimeoutMs: 50 });
    assert.equal(end.status === 'failed' && end.fault.code, 'provider_timeout');
    assert.equal(text, 'Hello');
  });

  test('end a stream that stays open after the finish reason', async () => {
    const { end, text } = await comments(body + stop, { finishTimeoutMs: 50 });
    assert.deepEqual([text, end.status], ['Hello', 'finished']);
  });

  test('let a model think before its first word for longer than a stall', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(chunk({ role: 'assistant' })));
      setTimeout(() => response.end(body + stop), 300);
    };
    const { end } = await ask(languageModelAt(url, { firstByteTimeoutMs: 60_000, stallTimeoutMs: 20 }));
    assert.equal(end.status, 'finished');
  });
});
