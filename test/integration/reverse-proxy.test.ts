/** A server behind the real nginx and the real Caddy: what visitors of the proxy get, with the configuration of the how-to guides and with less. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { connect, turnedAway, type ConnectOptions } from '../support/client.ts';
import { startParley } from '../support/parley.ts';
import { startCaddy, startNginx, withoutCaddy, withoutNginx } from '../support/reverse-proxy.ts';

const guides = join(import.meta.dirname, '../../docs/how-to');

/** The configuration in the guide for that proxy, for this server, without TLS. */
const documented = (guide: string, language: string, port: string) =>
  (
    new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readFileSync(join(guides, guide), 'utf8'))?.[1] ??
    assert.fail(language)
  ).replace('127.0.0.1:8000', `127.0.0.1:${port}`);

const WEBSOCKET_LINES =
  'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';
const HEADER_MAP = "map $http_upgrade $connection_upgrade { default upgrade; '' close; }";
const PATHS = ['/health', '/metrics', '/inspect', '/inspect/api/conversations'];

const withNginx = async (t: TestContext, config: Record<string, unknown>, http: (port: string) => string) => {
  const parley = await startParley(t, { config });
  return visitor(await startNginx(t, http(new URL(parley.url).port)));
};

/** A visitor of the proxy, who asks for chat.example.com. */
function visitor(port: number) {
  const url = `ws://127.0.0.1:${port}/ws/chat`;
  const withHost = (options: ConnectOptions = {}) => ({
    ...options,
    headers: { host: 'chat.example.com', ...options.headers },
  });
  return {
    connect: (options?: ConnectOptions) => connect(url, withHost(options)),
    turnedAway: (options?: ConnectOptions) => turnedAway(url, withHost(options)),
    page: (path: string, headers: Record<string, string> = {}) =>
      new Promise<{ status: number; body: string }>((resolve, reject) => {
        httpGet(
          { port, host: '127.0.0.1', path, headers: { host: 'chat.example.com', ...headers } },
          (response) => void text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject),
        ).on('error', reject);
      }),
  };
}

describe('a server without auth behind nginx', { skip: withoutNginx }, () => {
  for (const { name, before = '', lines } of [
    { name: 'its usual three lines', lines: WEBSOCKET_LINES },
    {
      name: 'the map of its documentation',
      before: HEADER_MAP,
      lines:
        'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;',
    },
    { name: 'proxy_pass to localhost by name', lines: WEBSOCKET_LINES },
    {
      name: 'X-Forwarded-For too',
      lines: `${WEBSOCKET_LINES} proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`,
    },
    { name: 'Host too', lines: `${WEBSOCKET_LINES} proxy_set_header Host $host;` },
  ]) {
    it(`gives visitors nothing with ${name}`, async (t) => {
      const target = name.includes('by name') ? 'localhost' : '127.0.0.1';
      const { page, turnedAway: away } = await withNginx(
        t,
        {},
        (port) =>
          `${before} server { listen 127.0.0.1:PORT; location / { proxy_pass http://${target}:${port}; ${lines} } }`,
      );
      for (const path of PATHS) assert.ok([403, 421].includes((await page(path)).status), path);
      for (const headers of [{ origin: 'https://chat.example.com' }, { origin: 'http://localhost:3000' }, {}]) {
        const { code, reason } = await away({ headers });
        assert.equal(code, 1008);
        assert.match(reason, /chat\.websocket\.allowed_hosts/);
      }
    });
  }

  it('gives visitors nothing without any line', async (t) => {
    const { page } = await withNginx(
      t,
      {},
      (port) => `server { listen 127.0.0.1:PORT; location / { proxy_pass http://127.0.0.1:${port}; } }`,
    );
    for (const path of PATHS) assert.equal((await page(path)).status, 403, path);
  });

  it('serves chat under a listed host with the configuration of the guide, and no inspection', async (t) => {
    const {
      connect: enter,
      page,
      turnedAway: away,
    } = await withNginx(t, { chat: { websocket: { allowed_hosts: ['chat.example.com'] } } }, (port) =>
      documented('nginx.md', 'nginx', port)
        .replaceAll(/^ *ssl_certificate.*\n/gm, '')
        .replace('listen 443 ssl', 'listen 127.0.0.1:PORT'),
    );
    for (const headers of [{ origin: 'https://chat.example.com' }, {}]) {
      const client = await enter({ headers });
      assert.equal((await client.chat('Hi')).end.status, 'complete');
      client.socket.terminate();
    }
    assert.equal((await page('/health')).status, 200);
    assert.match((await page('/inspect')).body, /inspect\.beyond_loopback/);
    assert.equal((await away({ headers: { origin: 'https://evil.example' } })).code, 1008);
    assert.equal((await away({ headers: { host: 'other.example.com' } })).code, 1008);
  });
});

describe('a server that asks for tokens behind nginx', { skip: withoutNginx }, () => {
  it('serves those who have one, also with its usual three lines', async (t) => {
    const token = createToken();
    const auth = { mode: 'token', tokens: [{ subject: 'alice', sha256: hashToken(token) }] };
    const {
      connect: enter,
      page,
      turnedAway: away,
    } = await withNginx(
      t,
      { auth, chat: { websocket: { allowed_hosts: ['chat.example.com'] } } },
      (port) =>
        `server { listen 127.0.0.1:PORT; location / { proxy_pass http://127.0.0.1:${port}; ${WEBSOCKET_LINES} } }`,
    );
    const client = await enter({ headers: { authorization: `Bearer ${token}`, origin: 'https://chat.example.com' } });
    assert.equal((await client.chat('Hi')).end.status, 'complete');
    client.socket.terminate();
    assert.match((await away()).reason, /^unauthorized/);
    assert.equal((await page('/ready')).status, 200);
    assert.equal((await page('/metrics')).status, 401);
    assert.equal((await page('/inspect/api/conversations', { authorization: `Bearer ${token}` })).status, 403);
  });
});

describe('a server without auth behind Caddy', { skip: withoutCaddy }, () => {
  const start = async (t: TestContext, config: Record<string, unknown>) => {
    const parley = await startParley(t, { config });
    return visitor(
      await startCaddy(
        t,
        documented('caddy.md', 'caddyfile', new URL(parley.url).port).replace(
          'chat.example.com {',
          'http://chat.example.com:PORT {',
        ),
      ),
    );
  };

  it('gives visitors nothing', async (t) => {
    const { page, turnedAway: away } = await start(t, {});
    for (const path of PATHS) assert.ok([403, 421].includes((await page(path)).status), path);
    assert.equal((await away()).code, 1008);
  });

  it('serves chat under a listed host with the configuration of the guide, and no inspection', async (t) => {
    const { connect: enter, page } = await start(t, { chat: { websocket: { allowed_hosts: ['chat.example.com'] } } });
    const client = await enter({ headers: { origin: 'https://chat.example.com' } });
    assert.equal((await client.chat('Hi')).end.status, 'complete');
    client.socket.terminate();
    assert.equal((await page('/health')).status, 200);
    assert.equal((await page('/inspect')).status, 403);
  });
});
