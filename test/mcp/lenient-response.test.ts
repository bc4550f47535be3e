/** Tests which HTTP responses pass through the reader, and that everything else of them stays. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLeniently } from '../../src/mcp/transport/lenient-response.ts';

const read = (received: unknown) => ({ read: received });

function response(type: string, chunks: readonly (string | Uint8Array)[], status = 200): Response {
  const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk));
  return readLeniently(
    new Response(ReadableStream.from(bytes), { status, headers: { 'content-type': type, 'mcp-session-id': 's' } }),
    read,
  );
}

describe('an HTTP response', () => {
  it('with JSON has its message read, or each of its messages', async () => {
    const taken = response('application/json; charset=utf-8', ['{"a":', '1}']);
    assert.deepEqual([taken.status, taken.headers.get('mcp-session-id')], [200, 's']);
    assert.equal(await taken.text(), '{"read":{"a":1}}');
    assert.equal(await response('application/json', ['[1,2]']).text(), '[{"read":1},{"read":2}]');
  });

  it('keeps a body that is no JSON, and the body of an error', async () => {
    assert.equal(await response('application/json', ['{ half']).text(), '{ half');
    assert.equal(await response('application/json', ['{}'], 404).text(), '{}');
    assert.equal(await response('text/html', ['{}']).text(), '{}');
    assert.equal(readLeniently(new Response(null, { status: 202 }), read).body, null);
  });

  it('keeps a body that is nested too deep to be written', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    assert.equal(await response('application/json', [deep]).text(), deep);
  });
});

describe('an event stream', () => {
  const events = [
    'retry: 100\n\n',
    ':still there\n\n',
    'event: endpoint\nid: 7\ndata: /messages?é\n\n',
    'data: {"a":\ndata: 1}\n\n',
    'id: 8\ndata:\n\n',
  ].join('');
  const expected = [
    'retry: 100\n\n',
    ':still there\n\n',
    'event: endpoint\nid: 7\ndata: /messages?é\n\n',
    'data: {"read":{"a":1}}\n\n',
    'id: 8\ndata: \n\n',
  ].join('');

  it('has each of its messages read, in any pieces; the rest stays', async () => {
    const bytes = new TextEncoder().encode(events);
    const pieces = Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1));
    assert.equal(await response('text/event-stream', [events]).text(), expected);
    assert.equal(await response('text/event-stream', pieces).text(), expected);
  });

  it('passes a message on before the stream ends', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const taken = readLeniently(new Response(readable, { headers: { 'content-type': 'text/event-stream' } }), read);
    const writer = writable.getWriter();
    void writer.write(new TextEncoder().encode('data: 1\n\n'));
    const { value } = (await taken.body?.getReader().read()) ?? {};
    assert.equal(new TextDecoder().decode(value), 'data: {"read":1}\n\n');
  });

  it('that is cut fails for its reader', async () => {
    const cut = new ReadableStream({ pull: (controller) => controller.error(new Error('cut')) });
    const taken = readLeniently(new Response(cut, { headers: { 'content-type': 'text/event-stream' } }), read);
    await assert.rejects(taken.text(), /cut/);
  });
});
