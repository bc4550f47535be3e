/** Tests that an error about a session is checked before the session is given up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProtocolError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import { namesSession, rejectsSession } from '../../src/mcp/connection/forgotten-session.ts';
import { serveJson } from '../support/mcp-json-server.ts';
import { answerWithNulls } from '../support/mcp-null-server.ts';
import { openMcpServers } from '../support/mcp-open.ts';
import { httpServer } from '../support/mcp-servers.ts';

const http = (status: number, text = '') =>
  new SdkHttpError(SdkErrorCode.ClientHttpNotImplemented, text, { status, statusText: '' });

describe('an error', () => {
  for (const [error, names, rejects] of [
    [http(404), true, false],
    [http(410), true, false],
    [http(503, 'unknown session'), true, true],
    [http(503, 'try later'), false, false],
    [http(500, 'Session terminated'), true, false],
    [new ProtocolError(-32_001, 'Session not found'), true, true],
    [new ProtocolError(-32_600, 'Bad Request: Mcp-Session-Id header is required'), true, true],
    [new ProtocolError(-32_603, 'the possession is unknown'), false, false],
    [new Error('Session not found'), false, false],
  ] as const) {
    it(`${names ? 'is' : 'is not'} about the session: ${error.name} ${'status' in error ? error.status : ''} ${error.message}`, () =>
      assert.deepEqual([namesSession(error), rejectsSession(error)], [names, rejects]));
  }
});

describe("a tool's own error about a session", () => {
  it('is passed on, and neither the session nor the connection is replaced', async (t) => {
    const seen: string[] = [];
    const url = await serveJson(
      t,
      (received) => {
        const { id, method } = received as { id?: number; method: string };
        seen.push(method);
        const isFirst = seen.filter((each) => each === 'tools/call').length === 1;
        return method === 'tools/call' && isFirst
          ? { jsonrpc: '2.0', id, error: { code: -32_001, message: 'Session not found' } }
          : answerWithNulls(received);
      },
      { session: 's1' },
    );
    const box = await openMcpServers(t, [httpServer('one', url)], { pingTimeoutMs: 10_000 });

    assert.deepEqual(await box.call('act'), { status: 'error', text: 'Session not found', content: null });
    assert.equal((await box.call('act')).status, 'ok');

    assert.deepEqual(
      ['initialize', 'tools/call', 'ping'].map((method) => seen.filter((each) => each === method).length),
      [1, 2, 1],
    );
  });
});
