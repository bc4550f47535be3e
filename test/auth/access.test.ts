/**
 * Checks access with tokens: by header and by subprotocol, the errors without one, conversations of other subjects, and
 * that no token is logged. Plain sockets send tokens in headers and in wrong places.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { WebSocket } from 'ws';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { requestIdOf } from '../../src/client/frames.ts';
import { rejectedConnection, type ConnectOptions } from '../support/client.ts';
import { pageOf } from '../support/metrics.ts';
import { shareServers, startParley } from '../support/parley.ts';
import { createTempHome } from '../support/temp-home.ts';
import { connectClient } from '../support/typed-client.ts';

const tokens = { alice: createToken(), alicesPhone: createToken(), bob: createToken() };
const auth = {
  mode: 'token',
  tokens: [
    { subject: 'alice', sha256: hashToken(tokens.alice) },
    { subject: 'alice', sha256: hashToken(tokens.alicesPhone) },
    { subject: 'bob', sha256: hashToken(tokens.bob) },
  ],
};

const inC1 = { conversationId: 'c1' };
const byHeader = (token: string): ConnectOptions => ({ headers: { authorization: `Bearer ${token}` } });
const byProtocol = (token: string): ConnectOptions => ({ protocols: ['parley', `parley.token.${token}`] });

const serve = shareServers();
const serveWithTokens = (websocket: Record<string, unknown> = {}) => serve({ auth, chat: { websocket } });

/** With no conversations in it. */
const startWithTokens = (t: TestContext) => startParley(t, { config: { auth } });

/** One client of each subject. */
async function startTwo(t: TestContext) {
  const { url } = await startWithTokens(t);
  return { alice: connectClient(t, url, { token: tokens.alice }), bob: connectClient(t, url, { token: tokens.bob }) };
}

describe('a valid token', () => {
  test('is accepted in the Authorization header', async () => {
    const parley = await serveWithTokens();
    const client = await parley.connect(byHeader(tokens.alice));
    assert.equal((await client.chat('Hi')).end.status, 'complete');
  });

  test('is accepted among the subprotocols, and is not echoed', async (t) => {
    const parley = await serveWithTokens();
    const { protocols = [] } = byProtocol(tokens.alice);
    const socket = new WebSocket(parley.url, protocols);
    const [upgrade] = await once(socket, 'upgrade');
    assert.equal(socket.protocol, 'parley');
    assert.ok(!JSON.stringify(upgrade.rawHeaders).includes(tokens.alice));
    socket.terminate();
    await connectClient(t, parley.url, { token: tokens.alice }).chat('Hi').end;
  });

  test('is accepted by a server that other machines can reach', async (t) => {
    const parley = await serveWithTokens({ host: '0.0.0.0' });
    await connectClient(t, parley.url, { token: tokens.alice }).chat('Hi').end;
  });
});

describe('a connection gets unauthorized and close 1008', () => {
  const inQuery = (url: string) => `${url}?token=${tokens.alice}&authorization=Bearer%20${tokens.alice}`;
  for (const { name, options, address = (url: string) => url, says } of [
    {
      name: 'without a token',
      options: {},
      says: /requires a token.*"Authorization: Bearer TOKEN".*"parley" and "parley\.token\.TOKEN"/,
    },
    {
      name: 'with an unknown token',
      options: byHeader(createToken()),
      says: /The token is unknown/,
    },
    { name: 'with one in a subprotocol', options: byProtocol(createToken()), says: /token is unknown/ },
    { name: 'with the hash of a token', options: byHeader(hashToken(tokens.alice)), says: /token is unknown/ },
    { name: 'with a good token in the URL', options: {}, address: inQuery, says: /requires a token/ },
    {
      name: 'with a good token by another scheme',
      options: { headers: { authorization: `Basic ${tokens.alice}` } },
      says: /requires a token/,
    },
  ]) {
    test(name, async () => {
      const parley = await serveWithTokens();
      const { frames, code, reason } = await rejectedConnection(address(parley.url), options);
      assert.equal(code, 1008);
      assert.match(reason, /^unauthorized: .*send a /);
      assert.equal(frames.length, 1);
      assert.deepEqual(
        [frames[0]?.status, frames[0]?.request_id, frames[0]?.error?.code, frames[0]?.error?.retryable],
        ['error', null, 'unauthorized', false],
      );
      assert.match(frames[0]?.error?.message ?? '', says);
    });
  }

  test('a connection from a foreign page is closed with 1008 even with a token', async () => {
    const parley = await serveWithTokens();
    const { frames, code, reason } = await rejectedConnection(parley.url, {
      headers: { authorization: `Bearer ${tokens.alice}`, origin: 'https://evil.example' },
    });
    assert.deepEqual([frames, code], [[], 1008]);
    assert.match(reason, /^origin not allowed: .*chat\.websocket\.allow_origins/);
  });
});

describe('the conversations of a subject', () => {
  test('are not_found to another subject, who can neither read, follow nor cancel them', async (t) => {
    const { alice, bob } = await startTwo(t);
    const turn = alice.chat('count to 200', inC1);
    await turn.accepted;
    for (const conversation_id of ['c1', 'nothing']) {
      for (const action of ['history', 'subscribe']) {
        await assert.rejects(
          bob.request(action, { conversation_id }),
          { code: 'not_found', message: 'The conversation does not exist. Check its id.' },
          `${action} ${conversation_id}`,
        );
      }
      assert.deepEqual(await bob.cancel(conversation_id), { cancelled: [], disposition: 'nothing_running' });
    }
    assert.equal((await turn.end).metadata.finish_reason, 'stop');
    assert.deepEqual(
      bob.frames.filter((frame) => requestIdOf(frame) === turn.requestId),
      [],
    );
  });

  test('have names of their own: two subjects may use the same one', async (t) => {
    const { alice, bob } = await startTwo(t);
    for (const [client, text] of [
      [alice, 'This is Alice.'],
      [bob, 'This is Bob.'],
    ] as const) {
      assert.equal((await client.chat(text, { ...inC1, requestId: 'r1' }).end).metadata.replayed, undefined);
    }
    for (const [client, own, other] of [
      [alice, 'Alice', 'Bob'],
      [bob, 'Bob', 'Alice'],
    ] as const) {
      const page = JSON.stringify(await client.history('c1'));
      assert.ok(page.includes(own) && !page.includes(other), page);
    }
  });

  test('are reachable with every token of the subject', async (t) => {
    const parley = await startWithTokens(t);
    await (await parley.connect(byHeader(tokens.alice))).chat('Hi', { conversation_id: 'c1' });
    const { events } = await connectClient(t, parley.url, { token: tokens.alicesPhone }).history('c1');
    assert.ok(events.length > 1);
  });

  test('belong to the subject anonymous without auth, with any token', async (t) => {
    const parley = await startParley(t);
    const sent = await parley.connect(byHeader(tokens.alice));
    await sent.chat('Hi', { conversation_id: 'c1' });
    await connectClient(t, parley.url).history('c1');
    const database = new Database(parley.database, { readonly: true });
    t.after(() => database.close());
    assert.deepEqual(database.prepare('SELECT DISTINCT owner FROM conversations').pluck().all(), ['anonymous']);
  });
});

describe('the plain pages', () => {
  test('need a token where they report on turns, and none for /health and /ready', async () => {
    const parley = await serveWithTokens();
    const statusOf = async (path: string, authorization = '') =>
      (await fetch(pageOf(parley.url, path), { headers: { authorization } })).status;
    assert.deepEqual([await statusOf('/health'), await statusOf('/ready')], [200, 200]);
    assert.deepEqual(
      [
        await statusOf('/metrics'),
        await statusOf('/metrics', 'Bearer nobodys'),
        await statusOf(`/metrics?token=${tokens.bob}`),
      ],
      [401, 401, 401],
    );
    assert.equal(await statusOf('/metrics', `Bearer ${tokens.bob}`), 200);
    const refused = await fetch(pageOf(parley.url, '/metrics'));
    assert.equal(refused.headers.get('www-authenticate'), 'Bearer');
    assert.match(await refused.text(), /Authorization: Bearer TOKEN/);
  });

  test('list the MCP servers only with a token', async () => {
    const parley = await serveWithTokens();
    const keysFor = async (authorization: string) =>
      Object.keys(Object(await (await fetch(pageOf(parley.url, '/health'), { headers: { authorization } })).json()));
    assert.deepEqual(await keysFor(''), ['status', 'version', 'uptime_seconds', 'storage']);
    assert.deepEqual(await keysFor('Bearer nobodys'), ['status', 'version', 'uptime_seconds', 'storage']);
    assert.deepEqual(await keysFor(`Bearer ${tokens.bob}`), [
      'status',
      'version',
      'uptime_seconds',
      'storage',
      'configuration',
      'providers',
      'mcp_servers',
    ]);
  });
});

test('no token is in the log, valid or not, wherever the client put it', async (t) => {
  const wrong = createToken();
  const home = await createTempHome(t, { config: { auth, logging: { level: 'trace', include_content: true } } });
  const server = home.start();
  const url = await server.listening;
  for (const token of [tokens.alice, wrong]) {
    for (const options of [byHeader(token), byProtocol(token)]) {
      if (token === wrong) await rejectedConnection(url, options);
      else assert.equal((await (await server.connect(options)).chat('Hi')).end.status, 'complete');
      await fetch(pageOf(url, '/metrics'), { headers: options.headers ?? {} });
    }
    await rejectedConnection(`${url}?token=${token}`);
    await fetch(pageOf(url, `/metrics?token=${token}`));
    await fetch(pageOf(url, `/${token}`));
  }
  server.kill('SIGTERM');
  await server.exited;
  const { stdout, stderr } = server.output;
  assert.match(stderr, /"msg":"turn"/);
  for (const token of [tokens.alice, wrong, hashToken(tokens.alice)])
    assert.ok(!`${stdout}${stderr}`.includes(token), stderr);
});

describe('a server without auth that other machines can reach', () => {
  const reachable = { host: '0.0.0.0', port: 0 };

  test('does not start, and the error names the key that would allow it', async (t) => {
    const home = await createTempHome(t, { config: { chat: { websocket: reachable } } });
    const server = home.start();
    assert.equal((await server.exited).code, 1);
    assert.match(
      server.output.stderr,
      /chat\.websocket\.host is "0\.0\.0\.0".*auth\.mode to token, or auth\.allow_anonymous_beyond_loopback to true/,
    );
  });

  test('starts if the configuration explicitly allows it', async (t) => {
    const home = await createTempHome(t, {
      config: { chat: { websocket: reachable }, auth: { allow_anonymous_beyond_loopback: true } },
    });
    await connectClient(t, await home.start().listening).chat('Hi').end;
  });
});
