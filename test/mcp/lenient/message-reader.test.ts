/** Tests how JSON-RPC messages are read: answers by the method of their request, errors, requests and notifications. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJSONRPCMessage } from '@modelcontextprotocol/client';
import { createMessageReader } from '../../../src/mcp/lenient/message-reader.ts';

function reader(method = 'tools/call', id: number | string = 1) {
  const created = createMessageReader(assert.fail);
  created.sent({ jsonrpc: '2.0', id, method, params: {} });
  return (received: unknown, answers?: number | string) => parseJSONRPCMessage(created.read(received, answers));
}

const content = [{ type: 'text', text: 'done' }];

describe('an answer', () => {
  for (const [what, received] of [
    ['with error: null', { jsonrpc: '2.0', id: 1, result: { content }, error: null }],
    ['without a version', { id: 1, result: { content } }],
    ['with its id as text', { jsonrpc: '2.0', id: '1', result: { content } }],
    ['with unknown members', { jsonrpc: '2.0', id: 1, result: { content }, took: 3 }],
    ['with _meta: null', { jsonrpc: '2.0', id: 1, result: { content, _meta: null } }],
  ] as const) {
    it(`is read ${what}`, () => assert.deepEqual(reader()(received), { jsonrpc: '2.0', id: 1, result: { content } }));
  }

  it('that has neither result nor error is an empty result', () => {
    assert.deepEqual(reader('ping')({ jsonrpc: '2.0', id: 1 }), { jsonrpc: '2.0', id: 1, result: {} });
  });

  it('is read once by the method of its request', () => {
    const created = createMessageReader(assert.fail);
    created.sent({ jsonrpc: '2.0', id: 1, method: 'tools/call' });
    assert.deepEqual(created.read({ id: 1, result: null }), { jsonrpc: '2.0', id: 1, result: { content: [] } });
    assert.deepEqual(created.read({ id: 1, result: null }), { jsonrpc: '2.0', id: 1, result: {} });
  });

  it('is forgotten after ten thousand newer requests', () => {
    const created = createMessageReader(assert.fail);
    for (let id = 0; id <= 10_000; id += 1) created.sent({ id, method: 'tools/call' });
    assert.deepEqual(created.read({ id: 0, result: null }), { jsonrpc: '2.0', id: 0, result: {} });
    assert.deepEqual(created.read({ id: 1, result: null }), { jsonrpc: '2.0', id: 1, result: { content: [] } });
  });
});

describe('an error', () => {
  for (const [what, error, code, message] of [
    ['as the protocol says', { code: -32_001, message: 'Session not found' }, -32_001, 'Session not found'],
    ['as a text', 'Session not found', -32_000, 'Session not found'],
    ['with its code as text', { code: '-32001', message: 'no' }, -32_001, 'no'],
    ['with a code that is no number', { code: 'E_NO', message: 'no' }, -32_000, 'no'],
    ['without members', {}, -32_000, 'the server gave no reason'],
    ['with null members', { code: null, message: null, data: null }, -32_000, 'the server gave no reason'],
    ['with an object as message', { code: 1, message: { why: 'no' } }, 1, '{"why":"no"}'],
  ] as const) {
    it(`is read ${what}`, () =>
      assert.deepEqual(reader()({ jsonrpc: '2.0', id: 1, error, result: null }), {
        jsonrpc: '2.0',
        id: 1,
        error: { code, message },
      }));
  }

  it('without an id belongs to the request whose HTTP response has it', () => {
    for (const received of [{ error: 'no' }, { jsonrpc: '2.0', id: null, error: { code: -32_000, message: 'no' } }])
      assert.deepEqual(reader()(received, 1), { jsonrpc: '2.0', id: 1, error: { code: -32_000, message: 'no' } });
  });
});

describe('a message of the server', () => {
  it('is read with nulls for absent members', () => {
    const read = reader();
    assert.deepEqual(read({ jsonrpc: '2.0', id: null, method: 'notifications/tools/list_changed', params: null }), {
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
    });
    assert.deepEqual(read({ jsonrpc: '2.0', id: 4, method: 'ping', params: [] }), {
      jsonrpc: '2.0',
      id: 4,
      method: 'ping',
    });
    assert.deepEqual(
      read({
        method: 'notifications/progress',
        params: { progressToken: 1, progress: 2, total: null, message: null, _meta: { progressToken: null } },
      }),
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 2, _meta: {} } },
    );
  });

  it('keeps null as the data of a log message', () => {
    assert.deepEqual(
      reader()({ method: 'notifications/message', params: { level: 'info', logger: null, data: null } }),
      {
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level: 'info', data: null },
      },
    );
  });

  it('that asks the model or a person is read with nulls', () => {
    assert.deepEqual(
      reader()({
        id: 2,
        method: 'sampling/createMessage',
        params: {
          messages: [{ role: 'user', content: { type: 'text', text: 'x', annotations: null } }],
          systemPrompt: null,
          maxTokens: 5,
          metadata: { kept: null },
        },
      }),
      {
        jsonrpc: '2.0',
        id: 2,
        method: 'sampling/createMessage',
        params: {
          messages: [{ role: 'user', content: { type: 'text', text: 'x' } }],
          maxTokens: 5,
          metadata: { kept: null },
        },
      },
    );
    const field = { type: 'string', title: null, minLength: null };
    assert.deepEqual(
      reader()({
        id: 3,
        method: 'elicitation/create',
        params: {
          mode: null,
          message: 'x',
          requestedSchema: { type: 'object', required: null, properties: { a: field } },
        },
      }),
      {
        jsonrpc: '2.0',
        id: 3,
        method: 'elicitation/create',
        params: { message: 'x', requestedSchema: { type: 'object', properties: { a: { type: 'string' } } } },
      },
    );
  });

  it('that is no object is not changed', () => {
    assert.equal(createMessageReader(assert.fail).read('x'), 'x');
  });
});
