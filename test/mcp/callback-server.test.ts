/** Tests the server that receives the redirect of a sign-in, while other programs hold connections to it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { it } from 'node:test';
import { createCallbackServer } from '../../src/mcp/oauth/callback-server.ts';

it('the OAuth callback is served while 40 other connections are idle', async (t) => {
  const server = createCallbackServer({ port: 0, publicUrl: null });
  t.after(() => server.close());
  const url = await server.open();
  for (let count = 0; count < 40; count += 1) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    await once(socket, 'connect');
  }
  const started = Promise.withResolvers<string>();
  const signIn = { state: 's1', address: `${url}?state=s1&code=c1`, redirectUrl: url };
  const redirected = server.waitForRedirect(signIn, started.resolve, new AbortController().signal);
  const start = await fetch(await started.promise, { redirect: 'manual' });
  const cookie = start.headers.get('set-cookie')?.split(';')[0] ?? '';
  assert.equal((await fetch(String(start.headers.get('location')), { headers: { cookie } })).status, 200);
  assert.equal((await redirected).get('code'), 'c1');
});
