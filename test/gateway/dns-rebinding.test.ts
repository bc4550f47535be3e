/**
 * Checks DNS rebinding with a real Chromium: pages under foreign names that resolve to this machine, and pages under
 * its own names.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { startParley } from '../support/parley.ts';

const open = createBrowser(['--host-resolver-rules=MAP *.example 127.0.0.1']);
const REFUSED = { expected: /status of 4(?:21|03)/ };

/** Runs in the page: the close of a socket, or `open` when a ping was answered. */
const trySocket = (url: string) =>
  new Promise<string>((resolve) => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => socket.send('{"action":"ping","request_id":"r"}'));
    socket.addEventListener('message', () => resolve('open'));
    socket.addEventListener('close', ({ code, reason }) => resolve(`${code} ${reason}`));
  });

describe('a browser', { skip: withoutBrowser }, () => {
  it('gets no data from a server without auth under a foreign name', async (t) => {
    const { port } = new URL((await startParley(t)).url);
    const page = await open(t, REFUSED);
    const answer = await page.goto(`http://evil.example:${port}/health`);
    assert.equal(answer?.status(), 421);
    // The error page has the origin evil.example, like all requests below.
    for (const path of ['/metrics', '/inspect', '/inspect/api/conversations'])
      assert.ok((await page.evaluate(async (each) => (await fetch(each)).status, path)) > 400, path);
    assert.match(
      await page.evaluate(trySocket, `ws://evil.example:${port}/ws/chat`),
      /^1008 host not allowed: .*allowed_hosts/,
    );
    assert.match(await page.evaluate(trySocket, `ws://evil.example:${port}/inspect/events?conversation=c1`), /^1008 /);
    assert.match(await page.evaluate(trySocket, `ws://localhost:${port}/ws/chat`), /^1008 origin not allowed/);
  });

  it('is served under the names of this machine, also after a link on another site', async (t) => {
    const { port } = new URL((await startParley(t)).url);
    const elsewhere = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end(`<a href="http://localhost:${port}/inspect">look</a>`),
    );
    await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
    t.after(() => elsewhere.close());
    const address = elsewhere.address();
    // Chromium asks for an icon, and neither server has one.
    const page = await open(t, { expected: /status of 404/ });
    await page.goto(`http://elsewhere.example:${typeof address === 'object' && address ? address.port : 0}/`);
    await page.click('a');
    await page.waitForURL(/\/inspect/);
    assert.equal(await page.evaluate(async () => (await fetch('/inspect/api/conversations')).status), 200);
    for (const name of ['localhost', '127.0.0.1']) {
      assert.equal(await page.evaluate(trySocket, `ws://${name}:${port}/ws/chat`), 'open', name);
      assert.equal((await page.goto(`http://${name}:${port}/health`))?.status(), 200, name);
    }
  });
});
