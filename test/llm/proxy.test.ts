/** Requests to providers through the proxies of the environment. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, test } from 'node:test';
import { listen, startProxy } from '../support/forward-proxy.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import { says } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';

describe('a request to a provider', () => {
  test('goes through HTTP_PROXY', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    model.script(says('Hello.'));
    const proxy = await startProxy(t, model.url);
    const base = `http://model.example${new URL(model.url).pathname}`;
    const { text, end } = await ask(languageModelAt(base, { env: { HTTP_PROXY: proxy.url } }));
    assert.deepEqual([text, end.status], ['Hello.', 'finished']);
    assert.match(proxy.lines[0] ?? '', /^POST http:\/\/model\.example.*\/chat\/completions$/);
  });

  test('goes through the tunnel of HTTPS_PROXY, and names a proxy that refuses it', async (t) => {
    const proxy = await startProxy(t);
    const { end } = await ask(languageModelAt('https://model.example/v1', { env: { HTTPS_PROXY: proxy.url } }));
    assert.deepEqual(proxy.lines, ['CONNECT model.example:443']);
    assert.ok(end.status === 'failed');
    assert.equal(end.fault.code, 'provider_unreachable');
    assert.match(end.fault.message, /the proxy did not connect to it\..*HTTPS_PROXY/);
  });

  for (const [title, options, expected] of [
    ['fails after the connect timeout', { connectTimeoutMs: 50 }, 'provider_timeout'],
    ['ends with its abort', { signal: AbortSignal.timeout(50) }, 'aborted'],
  ] as const) {
    test(`${title} while a proxy opens no tunnel`, { timeout: 120_000 }, async (t) => {
      const sockets = new Set<{ destroy(): void }>();
      const mute = createTcpServer((socket) => sockets.add(socket.on('error', () => {})));
      t.after(() => sockets.forEach((socket) => socket.destroy()));
      const env = { HTTPS_PROXY: await listen(t, mute) };
      const { signal, ...limits } = { signal: new AbortController().signal, ...options };
      const { end } = await ask(languageModelAt('https://model.example/v1', { env, ...limits }), { signal });
      assert.equal(end.status === 'failed' ? end.fault.code : end.status, expected);
    });
  }

  test('goes straight to a loopback address', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    model.script(says('Hello.'));
    const proxy = await startProxy(t);
    const { text } = await ask(languageModelAt(model.url, { env: { HTTP_PROXY: proxy.url } }));
    assert.deepEqual([text, proxy.lines], ['Hello.', []]);
  });

  test('names the proxy that asks for a password', async (t) => {
    const strict = createServer((_, response) => response.writeHead(407).end());
    const env = { HTTP_PROXY: await listen(t, strict) };
    const { end } = await ask(languageModelAt('http://model.example/v1', { env }));
    assert.ok(end.status === 'failed');
    assert.match(
      end.fault.message,
      /a proxy that asks for a user and password; check HTTP_PROXY and HTTPS_PROXY \(407\)/,
    );
  });
});
