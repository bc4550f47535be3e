/** Tests the size limit of HTTP responses: of the whole, or of each event of a stream. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bounded } from '../../src/mcp/transport/bounded-response.ts';

const MAX_BYTES = 100;

function answer(type: string, chunks: string[]): Response {
  const body = ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)));
  return bounded(new Response(body, { status: 201, headers: { 'content-type': type } }), MAX_BYTES);
}

describe('a bounded response', () => {
  test('passes a response within the limit unchanged', async () => {
    const taken = answer('application/json', ['{"a":', '1}']);
    assert.deepEqual(
      [taken.status, taken.headers.get('content-type'), await taken.text()],
      [201, 'application/json', '{"a":1}'],
    );
  });

  test('fails beyond the limit, in one chunk or in many', async () => {
    for (const chunks of [['x'.repeat(101)], Array.from({ length: 101 }, () => 'x')]) {
      await assert.rejects(answer('application/json', chunks).text(), /the response has more than 100 bytes/);
    }
  });

  test('passes a response without a body unchanged', () => {
    assert.equal(bounded(new Response(null, { status: 204 }), MAX_BYTES).body, null);
  });
});

describe('a bounded event stream', () => {
  for (const end of ['\n\n', '\r\n\r\n', '\r\r']) {
    test(`has no limit as a whole, with events ending in ${JSON.stringify(end)}`, async () => {
      const events = Array.from({ length: 50 }, (_, index) => `data: ${index}${end}`);
      assert.equal(await answer('text/event-stream; charset=utf-8', events).text(), events.join(''));
      assert.equal(
        await answer('text/event-stream', [`${events.join('')}data: half`, ` and half${end}`]).text(),
        `${events.join('')}data: half and half${end}`,
      );
    });
  }

  test('fails at an event that does not end, although it has lines', async () => {
    const endless = Array.from({ length: 30 }, () => 'data: x\n');
    await assert.rejects(
      answer('text/event-stream', ['data: fine\n\n', ...endless]).text(),
      /an event has more than 100 bytes/,
    );
  });
});
