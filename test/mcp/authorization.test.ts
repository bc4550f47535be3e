/** Tests OAuth 2.1 with a real authorization server, a gate before a real MCP server, and a browser that follows redirects. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { waitFor } from 'xstate';
import type { AuthorizerOptions } from '../../src/mcp/oauth/authorizer.ts';
import { openCredentials } from '../../src/mcp/oauth/credentials.ts';
import type { OAuthSettings } from '../../src/mcp/config/oauth-settings.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { httpServer, startMcpServers } from '../support/mcp-servers.ts';
import { startOAuthServer, type OAuthServerOptions } from '../support/oauth-server.ts';
import { visit } from '../support/visit.ts';

interface SceneOptions extends OAuthServerOptions {
  era?: 'sessions' | 'stateless';
  settings?: Partial<OAuthSettings>;
  authorization?: Partial<AuthorizerOptions>;
  authorizationTimeoutMs?: number;
  scopeFor?: (request: IncomingMessage) => string;
  /** True for a request that waits for `letGo`. */
  holds?: (request: IncomingMessage) => boolean;
}

/** An MCP server behind a gate, and a function that starts the client side. */
async function startScene(
  t: TestContext,
  {
    era = 'stateless',
    settings = {},
    authorization = {},
    scopeFor,
    holds = () => false,
    authorizationTimeoutMs = 60_000,
    ...oauthOptions
  }: SceneOptions = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-oauth-'));
  const credentialsFile = join(folder, 'credentials.json');
  const oauth = await startOAuthServer(oauthOptions);
  const gate = oauth.gate('use', scopeFor);
  const held = Promise.withResolvers<() => void>();
  const server = await startHttpServer({
    era,
    gate(request, response) {
      if (!holds(request)) return gate(request, response);
      held.resolve(() => void gate(request, response));
      return true;
    },
  });
  t.after(async () => {
    await server.stop();
    await oauth.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = async () => {
    const block = { ...httpServer('web', server.url), oauth: { client: null, scope: null, ...settings } };
    const box = await startMcpServers([block], {
      authorizationTimeoutMs,
      authorization: { credentialsFile, ...authorization },
    });
    await box.host.settled();
    return box;
  };
  return { oauth, server, credentialsFile, start, letGo: held.promise };
}

type Box = Awaited<ReturnType<typeof startMcpServers>>;

/** Resolves with the page that a person has to open. */
async function asked(box: Box): Promise<string> {
  const { context } = await waitFor(box.actor('web'), ({ context }) => context.authorizeUrl !== null, {
    timeout: 90_000,
  });
  return context.authorizeUrl ?? '';
}

/** The page of the authorization server to which a sign-in link leads. */
async function signInPage(url: string): Promise<URL> {
  const start = await fetch(url, { redirect: 'manual' });
  assert.equal(start.status, 302);
  return new URL(start.headers.get('location') ?? '');
}

async function authorized(t: TestContext, scene: Awaited<ReturnType<typeof startScene>>): Promise<Box> {
  const box = await scene.start();
  t.after(box.stop);
  await scene.oauth.browse(await asked(box));
  await box.reaches('web', 'ready');
  return box;
}

for (const era of ['sessions', 'stateless'] as const) {
  describe(`a server that asks for OAuth (${era})`, () => {
    test('waits for a person, shows the sign-in page, and is ready afterwards', async (t) => {
      const scene = await startScene(t, { era });
      const box = await scene.start();
      t.after(box.stop);
      const url = await asked(box);
      assert.deepEqual(box.host.statuses(), [
        {
          name: 'web',
          state: 'authorizing',
          tools: 0,
          protocol: null,
          error: 'needs a person to sign in with a browser',
          authorizeUrl: url,
        },
      ]);
      assert.equal((await signInPage(url)).searchParams.get('code_challenge_method'), 'S256');

      const page = await scene.oauth.browse(url);
      await box.reaches('web', 'ready');

      assert.deepEqual(page, { status: 200, text: 'Parley has received the sign-in. You can close this page.\n' });
      assert.equal((await box.call('count')).status, 'ok');
      assert.deepEqual(scene.oauth.counts, { registered: 1, redeemed: 1, refreshed: 0, refused: 0 });
    });

    test('refreshes an expired token once for all rejected calls', async (t) => {
      const scene = await startScene(t, { era });
      const box = await authorized(t, scene);
      scene.oauth.expire();

      const ends = await Promise.all(Array.from({ length: 20 }, () => box.call('count')));

      assert.ok(ends.every(({ status }) => status === 'ok'));
      assert.deepEqual(scene.oauth.counts, { registered: 1, redeemed: 1, refreshed: 1, refused: 0 });
    });

    test('asks a person again after its tokens were revoked, and the waiting call continues', async (t) => {
      const scene = await startScene(t, { era });
      const box = await authorized(t, scene);
      scene.oauth.revoke();

      const end = box.call('count');
      await box.reaches('web', 'authorizing');
      await scene.oauth.browse(await asked(box));

      assert.equal((await end).status, 'ok');
      assert.deepEqual(scene.server.seen, ['count']);
    });
  });
}

test('authorization retries a late rejected request with the token that was renewed meanwhile', async (t) => {
  let isHolding = false;
  const scene = await startScene(t, { holds: ({ headers }) => isHolding && headers['mcp-name'] === 'talk' });
  const box = await authorized(t, scene);
  scene.oauth.expire();
  isHolding = true;

  const straggler = box.call('talk');
  const refuse = await scene.letGo;
  assert.equal((await box.call('count')).status, 'ok');
  isHolding = false;
  refuse();

  assert.equal((await straggler).status, 'ok');
  assert.equal(scene.oauth.counts.refreshed, 1);
});

test('authorization keeps tokens across processes, in a file that only its owner may read', async (t) => {
  const scene = await startScene(t);
  const box = await scene.start();
  await scene.oauth.browse(await asked(box));
  await box.reaches('web', 'ready');
  await box.stop();
  assert.equal(statSync(scene.credentialsFile).mode & 0o777, 0o600);
  assert.doesNotMatch(
    box.lines.join('\n'),
    new RegExp(openCredentials(scene.credentialsFile).of('web', scene.server.url).get().tokens?.access_token ?? 'none'),
  );

  const second = await scene.start();
  t.after(second.stop);

  assert.equal(second.host.statuses()[0]?.state, 'ready');
  assert.deepEqual(scene.oauth.counts, { registered: 1, redeemed: 1, refreshed: 0, refused: 0 });
});

test('a server with a changed URL does not get the old tokens', async (t) => {
  const scene = await startScene(t);
  await authorized(t, scene);
  const store = openCredentials(scene.credentialsFile);
  assert.ok(store.of('web', scene.server.url).get().tokens);
  assert.equal(store.of('web', 'http://127.0.0.1:1/mcp').get().tokens, undefined);
});

test('the credentials file becomes readable for its owner only; an invalid file is rejected and kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-oauth-'));
  const file = join(folder, 'credentials.json');
  writeFileSync(file, '{"version":1,"servers":{}}', { mode: 0o644 });
  openCredentials(file);
  assert.equal(statSync(file).mode & 0o777, 0o600);

  writeFileSync(file, 'gone wrong');
  assert.throws(() => openCredentials(file), /credentials\.json: cannot read this file of MCP credentials/);
  assert.equal(readFileSync(file, 'utf8'), 'gone wrong');
  rmSync(folder, { recursive: true });
});

const countNeedsMore = ({ headers }: IncomingMessage) => (headers['mcp-name'] === 'count' ? 'count' : 'use');

test('authorization fails if credentials cannot be stored, and the reason contains no path', async (t) => {
  const scene = await startScene(t, {
    authorization: { credentialsFile: join(tmpdir(), 'parley-no-such-folder', 'credentials.json') },
  });
  const box = await scene.start();
  t.after(box.stop);
  await box.reaches('web', 'failed');
  assert.match(
    box.host.statuses()[0]?.error ?? '',
    /the file of credentials cannot be written \(ENOENT\); check mcp\.authorization\.credentials_file$/,
  );
});

test('authorization requests more scopes when a call needs them', async (t) => {
  const scene = await startScene(t, { scopeFor: countNeedsMore });
  const box = await authorized(t, scene);

  const end = box.call('count');
  await box.reaches('web', 'authorizing');
  await scene.oauth.browse(await asked(box));

  assert.equal((await end).status, 'ok');
  assert.deepEqual(scene.oauth.scopesAsked, ['use', 'use count']);
});

test('a call that needs more scopes does not end the running calls', async (t) => {
  const scene = await startScene(t, { scopeFor: countNeedsMore });
  const box = await authorized(t, scene);
  const held = box.call('hold', { key: 'under way' });
  await scene.server.sees('under way');

  const end = box.call('count');
  await box.reaches('web', 'authorizing');
  await scene.oauth.browse(await asked(box));
  assert.equal((await end).status, 'ok');
  scene.server.letGo();

  assert.equal((await held).status, 'ok');
});

test('authorization does not request scopes again that were not granted: the call is rejected', async (t) => {
  const scene = await startScene(t, { scopeFor: countNeedsMore, grants: 'use' });
  const box = await authorized(t, scene);
  const first = box.call('count');
  await box.reaches('web', 'authorizing');
  await scene.oauth.browse(await asked(box));

  const refused = {
    status: 'error',
    text: 'The MCP server "web" refused the call: it requires a scope that Parley was not granted (count).',
    content: null,
  };
  assert.deepEqual([await first, await box.call('count')], [refused, refused]);
  assert.deepEqual(scene.oauth.scopesAsked, ['use', 'use count']);
});

test('a person who denies is not asked again at once, and the calls get the reason', async (t) => {
  const scene = await startScene(t, { consents: false });
  const box = await scene.start();
  t.after(box.stop);

  await scene.oauth.browse(await asked(box));
  await box.reaches('web', 'failed');

  assert.equal(box.host.statuses()[0]?.error, 'was not authorized: the sign-in was denied in the browser');
  assert.equal(scene.oauth.counts.redeemed, 0);
});

test('the callback server rejects an unknown redirect, and a repeated one', async (t) => {
  const scene = await startScene(t);
  const box = await scene.start();
  t.after(box.stop);
  const url = await asked(box);
  const callback = new URL((await signInPage(url)).searchParams.get('redirect_uri') ?? '');
  const forged = new URL(callback);
  forged.search = '?state=guessed&code=stolen';
  assert.equal((await scene.oauth.browse(forged.href)).status, 404);
  assert.equal(callback.hostname, '127.0.0.1');

  const cookies = new Map<string, string[]>();
  const start = await fetch(url, { redirect: 'manual' });
  const [cookie = ''] = start.headers.getSetCookie();
  assert.match(cookie, /^parley_sign_in_\w+=[\w-]{43}; HttpOnly; SameSite=Lax; Path=\/oauth\/callback$/);
  cookies.set(callback.hostname, [cookie.split(';', 1)[0] ?? '']);
  const sent = await fetch(start.headers.get('location') ?? '', { redirect: 'manual' });
  const back = sent.headers.get('location') ?? '';
  assert.equal((await visit(back)).status, 403, 'another browser, which did not begin here');
  assert.equal((await visit(back, new Map([[callback.hostname, ['parley_sign_in=x']]]))).status, 403);
  assert.equal((await visit(back, cookies)).status, 200, 'the refused ones have not used it up');
  assert.equal((await visit(back, cookies)).status, 404);
  assert.equal((await visit(url)).status, 404, 'the start page of a sign-in that is over');
  await box.reaches('web', 'ready');
});

test('the sign-in link does not contain the state', async (t) => {
  const scene = await startScene(t);
  const box = await scene.start();
  t.after(box.stop);
  const url = await asked(box);
  const state = (await signInPage(url)).searchParams.get('state') ?? '';
  assert.ok(state.length > 20 && !url.includes(state));
});

test('an unused sign-in link is replaced by a new one', async (t) => {
  const scene = await startScene(t, { authorizationTimeoutMs: 100 });
  const box = await scene.start();
  t.after(box.stop);
  const first = await asked(box);
  const { context } = await waitFor(
    box.actor('web'),
    ({ context }) => context.authorizeUrl !== null && context.authorizeUrl !== first,
    { timeout: 90_000 },
  );
  assert.notEqual(context.authorizeUrl, first);
});

test('authorization uses a client that was registered by hand', async (t) => {
  const scene = await startScene(t, {
    clients: { parley: 'secret' },
    settings: { client: { client_id: 'parley', client_secret: 'secret' } },
  });
  await authorized(t, scene);
  assert.deepEqual(scene.oauth.counts, { registered: 0, redeemed: 1, refreshed: 0, refused: 0 });
});

test('authorization uses a client metadata document without registration', async (t) => {
  const clientMetadataUrl = 'https://parley.example/client.json';
  const scene = await startScene(t, { metadataDocuments: true, authorization: { clientMetadataUrl } });
  await authorized(t, scene);
  assert.deepEqual(scene.oauth.counts, { registered: 0, redeemed: 1, refreshed: 0, refused: 0 });
  assert.equal(
    openCredentials(scene.credentialsFile).of('web', scene.server.url).get().client?.client_id,
    clientMetadataUrl,
  );
});

test('a token from the configuration disables OAuth', async (t) => {
  const scene = await startScene(t);
  const block = { ...httpServer('web', scene.server.url), headers: { Authorization: 'Bearer wrong' }, oauth: null };
  const box = await startMcpServers([block], { maxReconnectAttempts: 0 });
  t.after(box.stop);
  await box.reaches('web', 'failed');
  assert.deepEqual([box.host.statuses()[0]?.error, scene.oauth.counts.registered], ['answered HTTP 401', 0]);
});

const sends = (status: number, body: string) => (response: ServerResponse) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(body);
const cuts = (response: ServerResponse) => void response.destroy();

describe('a refresh', () => {
  for (const [what, failure] of [
    ['answers 503', sends(503, 'try later')],
    ['answers 500', sends(500, '{"error":"server_error"}')],
    ['answers 429', sends(429, '')],
    ['answers that it is busy', sends(400, '{"error":"temporarily_unavailable"}')],
    ['answers with a page', sends(200, '<!doctype html>')],
    ['cuts the line', cuts],
  ] as const) {
    test(`waits for an authorization server that ${what}, and asks no person`, async (t) => {
      const scene = await startScene(t);
      const box = await authorized(t, scene);
      scene.oauth.expire();
      scene.oauth.failNext(failure);

      assert.equal((await box.call('count', {}, { timeoutMs: 60_000 })).status, 'ok');

      assert.deepEqual(scene.server.seen, ['count']);
      assert.deepEqual([scene.oauth.counts.refreshed, scene.oauth.scopesAsked.length], [1, 1]);
    });
  }

  for (const error of ['invalid_grant', 'invalid_scope', 'interaction_required', 'access_denied', 'invalid_request']) {
    test(`asks a person at once if it is refused with ${error}`, async (t) => {
      const scene = await startScene(t);
      const box = await authorized(t, scene);
      scene.oauth.expire();
      scene.oauth.failNext(sends(400, JSON.stringify({ error })));

      const end = box.call('count', {}, { timeoutMs: 60_000 });
      await box.reaches('web', 'authorizing');
      await scene.oauth.browse(await asked(box));

      assert.equal((await end).status, 'ok');
      assert.deepEqual([scene.server.seen, scene.oauth.counts.refreshed], [['count'], 0]);
    });
  }

  test('names the scope of its grant', async (t) => {
    const scene = await startScene(t);
    const box = await authorized(t, scene);
    scene.oauth.expire();
    assert.equal((await box.call('count')).status, 'ok');
    assert.deepEqual(scene.oauth.refreshScopes, ['use']);
  });

  test('that fails for long leaves the call not sent, with the reason', async (t) => {
    const scene = await startScene(t);
    const box = await authorized(t, scene);
    scene.oauth.expire();
    scene.oauth.failNext(...Array.from({ length: 50 }, () => sends(503, '')));

    const end = await box.call('count', {}, { timeoutMs: 60_000 });

    assert.equal(end.status, 'not_sent');
    assert.match('text' in end ? end.text : '', /waits for its authorization server, which answered HTTP 503/);
    assert.deepEqual([scene.server.seen, scene.oauth.scopesAsked.length], [[], 1]);
  });
});

test('a code is exchanged again after the authorization server was away', async (t) => {
  const scene = await startScene(t);
  const box = await scene.start();
  t.after(box.stop);
  scene.oauth.failNext(sends(503, ''));
  await scene.oauth.browse(await asked(box));
  await box.reaches('web', 'ready');
  assert.deepEqual([scene.oauth.counts.redeemed, scene.oauth.scopesAsked.length], [1, 1]);
});
