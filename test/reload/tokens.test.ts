/** Tests tokens and viewers that a reload removes, changes or adds. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { connectClient } from '../support/typed-client.ts';
import { startReloadable } from './scene.ts';

const token = { alice: createToken(), bob: createToken(), carol: createToken() };
const entry = (subject: string, secret: string) => ({ subject, sha256: hashToken(secret) });
const both = [entry('alice', token.alice), entry('bob', token.bob)];
const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });

const start = (t: TestContext, inspect = {}) =>
  startReloadable(t, { config: { auth: { mode: 'token', tokens: both }, inspect } });

/** How a socket ends: the code, the reason, and the frames before it. */
async function endOf(socket: WebSocket) {
  const frames: { error?: { code: string } }[] = [];
  socket.on('message', (data) => frames.push(JSON.parse(String(data))));
  const [code, reason] = await once(socket, 'close');
  return { code, reason: String(reason), errors: frames.map(({ error }) => error?.code) };
}

async function open(url: string, secret: string): Promise<WebSocket> {
  const socket = new WebSocket(url, bearer(secret));
  await once(socket, 'open');
  // Admitted: the token was checked.
  socket.send(JSON.stringify({ action: 'ping', request_id: 'p' }));
  await once(socket, 'message');
  return socket;
}

describe('a token that a reload removes', () => {
  it('closes its open sockets with an error and 1008, and accepts no new ones; other sockets stay', async (t) => {
    const scene = await start(t);
    const { url } = scene;
    const [alices, bobs] = [await open(url, token.alice), await open(url, token.bob)];
    const ended = endOf(alices);
    assert.deepEqual((await scene.reload({ auth: { tokens: [entry('bob', token.bob)] } }))['reloaded'], [
      'auth.tokens',
    ]);
    assert.deepEqual(await ended, {
      code: 1008,
      reason: 'unauthorized: the token was removed or changed',
      errors: ['unauthorized'],
    });

    const again = new WebSocket(url, bearer(token.alice));
    assert.equal((await endOf(again)).code, 1008);
    bobs.send(JSON.stringify({ action: 'ping', request_id: 'still here' }));
    await once(bobs, 'message');
    bobs.terminate();
  });

  it('is said to the client that ships, which does not come back', async (t) => {
    const scene = await start(t);
    const client = connectClient(t, scene.url, { token: token.alice });
    await client.chat('Hi').end;
    const closed = client.whenStatus('closed');
    await scene.reload({ auth: { tokens: [entry('bob', token.bob)] } });
    assert.match(JSON.stringify(await closed), /removed or changed/);
  });
});

describe('a token that a reload gives to another subject', () => {
  it('closes its open sockets; those who connect with it are the new subject', async (t) => {
    const scene = await start(t);
    const { url } = scene;
    await connectClient(t, url, { token: token.bob }).chat('Hi', { conversationId: "bob's" }).end;
    const ended = endOf(await open(url, token.alice));
    await scene.reload({ auth: { tokens: [entry('bob', token.alice), entry('bob', token.bob)] } });
    assert.equal((await ended).code, 1008);
    const { conversations } = await connectClient(t, url, { token: token.alice }).conversations();
    assert.deepEqual(
      conversations.map((each) => each.conversation_id),
      ["bob's"],
    );
  });
});

describe('a token that a reload adds', () => {
  it('lets in at once', async (t) => {
    const scene = await start(t);
    await scene.reload({ auth: { tokens: [...both, entry('carol', token.carol)] } });
    await connectClient(t, scene.url, { token: token.carol }).chat('Hi').end;
  });
});

describe('a viewer that a reload removes', () => {
  it('sees nothing more: its socket is closed with 1008', async (t) => {
    const scene = await start(t, { viewers: ['alice', 'bob'] });
    const url = scene.url.replace('/ws/chat', '/inspect/events?conversation=c1');
    const [alices, bobs] = [new WebSocket(url, bearer(token.alice)), new WebSocket(url, bearer(token.bob))];
    // The state of the MCP servers, or of the conversation, comes first; here there is neither.
    await Promise.all([once(alices, 'open'), once(bobs, 'open')]);
    const ended = endOf(alices);
    assert.deepEqual((await scene.reload({ inspect: { viewers: ['bob'] } }))['reloaded'], ['inspect.viewers']);
    assert.equal((await ended).code, 1008);
    assert.equal(bobs.readyState, WebSocket.OPEN);
    bobs.terminate();
  });
});
