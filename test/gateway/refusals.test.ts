/** Checks how rejections are reported to operators: a log line that names the key to set, and a metric by reason. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { connect, rejectedConnection } from '../support/client.ts';
import { eventsUrl, openWatcher, rejectedWatcher } from '../support/inspection.ts';
import { pageOf, readMetrics } from '../support/metrics.ts';
import { startParley } from '../support/parley.ts';
import { sendLines } from './raw-request.ts';
import { eventually } from '../support/eventually.ts';
import { createTempHome } from '../support/temp-home.ts';

const nameOf = (reason: string) => `parley_connections_refused_total{reason="${reason}"}`;

/** The refusal counts that are not 0. */
async function refusedBy(url: string, token: string | null = null): Promise<Record<string, number>> {
  const samples = [...(await readMetrics(url, token))].filter(([name]) =>
    name.startsWith('parley_connections_refused_total{'),
  );
  return Object.fromEntries(samples.map(([name, value]) => [/reason="([^"]+)"/.exec(name)?.[1] ?? name, value]));
}

describe('the log of refusals', () => {
  it('has one line a minute for each kind, with the request, its address, and the key to set', async (t) => {
    const home = await createTempHome(t, { config: { logging: { format: 'json' } } });
    const server = home.start();
    const url = await server.listening;
    for (let each = 0; each < 3; each += 1) {
      await rejectedConnection(url, { headers: { host: `evil${each}.example` } });
      await rejectedConnection(url, { headers: { origin: 'https://evil.example/?token=secret' } });
      await sendLines(url, ['GET /metrics?token=secret HTTP/1.1', 'Host: localhost', 'Via: 1.1 secret']);
      await sendLines(url, ['GET /inspect HTTP/1.1', 'Host: evil.example']);
    }
    await eventually(() => server.output.stderr.split('request refused').length > 4, 'four lines');
    assert.deepEqual(await refusedBy(url), { host: 3, origin: 3, proxy: 3, inspection: 3 });
    server.kill('SIGTERM');
    await server.exited;
    const lines: Record<string, unknown>[] = server.output.stderr
      .split('\n')
      .filter((line) => line.includes('request refused'))
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ level, reason, key, address, host, origin, suppressed }) => ({
        level,
        reason,
        key,
        address,
        host: String(host).replace(/:\d+$/, ''),
        origin,
        suppressed,
      })),
      [
        {
          level: 40,
          reason: 'host',
          key: 'chat.websocket.allowed_hosts',
          address: '127.0.0.1',
          host: 'evil0.example',
          origin: undefined,
          suppressed: 0,
        },
        {
          level: 40,
          reason: 'origin',
          key: 'chat.websocket.allow_origins',
          address: '127.0.0.1',
          host: '127.0.0.1',
          origin: 'https://evil.example',
          suppressed: 0,
        },
        {
          level: 40,
          reason: 'proxy',
          key: 'chat.websocket.allowed_hosts',
          address: '127.0.0.1',
          host: 'localhost',
          origin: undefined,
          suppressed: 0,
        },
        {
          level: 40,
          reason: 'inspection',
          key: 'inspect.beyond_loopback',
          address: '127.0.0.1',
          host: 'evil.example',
          origin: undefined,
          suppressed: 0,
        },
      ],
    );
    assert.ok(!server.output.stderr.includes('secret'), server.output.stderr);
  });
});

describe('the metric of refusals', () => {
  it('counts missing and unknown tokens, and viewers that are not listed, over HTTP and sockets', async (t) => {
    const tokens = { root: createToken(), alice: createToken() };
    const auth = {
      mode: 'token',
      tokens: [
        { subject: 'root', sha256: hashToken(tokens.root) },
        { subject: 'alice', sha256: hashToken(tokens.alice) },
      ],
    };
    const parley = await startParley(t, { config: { auth, inspect: { viewers: ['root'] } } });
    const alice = { headers: { authorization: `Bearer ${tokens.alice}` } };
    await rejectedConnection(parley.url);
    await rejectedConnection(parley.url, { headers: { authorization: `Bearer ${createToken()}` } });
    await fetch(pageOf(parley.url, '/metrics'));
    await fetch(pageOf(parley.url, '/inspect/api/conversations'));
    await fetch(pageOf(parley.url, '/inspect/api/conversations'), alice);
    await rejectedWatcher(eventsUrl(parley, 'c1'), alice);
    assert.deepEqual(await refusedBy(parley.url, tokens.root), { token: 4, viewer: 2 });
  });

  for (const { reason, websocket } of [
    { reason: 'connection_limit', websocket: { max_connections: 1 } },
    { reason: 'address_limit', websocket: { max_connections_per_address: 1 } },
  ]) {
    it(`counts ${reason}`, async (t) => {
      const parley = await startParley(t, { config: { chat: { websocket } } });
      await parley.connect();
      assert.equal((await rejectedConnection(parley.url)).code, 1013);
      assert.equal((await readMetrics(parley.url)).get(nameOf(reason)), 1);
    });
  }

  it('counts subject_limit', async (t) => {
    const token = createToken();
    const by = { headers: { authorization: `Bearer ${token}` } };
    const parley = await startParley(t, {
      config: {
        auth: { mode: 'token', tokens: [{ subject: 'a', sha256: hashToken(token) }] },
        chat: { websocket: { max_connections_per_subject: 1 } },
      },
    });
    await (await parley.connect(by)).ask('ping');
    assert.equal((await rejectedConnection(parley.url, by)).code, 1013);
    assert.equal((await readMetrics(parley.url, token)).get(nameOf('subject_limit')), 1);
  });

  it('counts inspections beyond the limits', async (t) => {
    const parley = await startParley(t, { config: { inspect: { max_viewers: 2, max_conversations: 1 } } });
    const url = eventsUrl(parley, 'c1');
    const first = openWatcher(url);
    await eventually(() => first.socket.readyState === first.socket.OPEN, 'the first viewer');
    assert.equal((await rejectedWatcher(eventsUrl(parley, 'c2'))).code, 1013);
    assert.equal((await readMetrics(parley.url)).get(nameOf('inspected_limit')), 1);
    first.socket.terminate();
  });
});

describe('a server with tokens', () => {
  it('is served under any host and through any proxy, and accepts pages of its own host', async (t) => {
    const token = createToken();
    const parley = await startParley(t, {
      config: { auth: { mode: 'token', tokens: [{ subject: 'alice', sha256: hashToken(token) }] } },
    });
    const headers = { authorization: `Bearer ${token}`, host: 'chat.example.com', 'x-forwarded-for': '192.0.2.1' };
    for (const origin of [{}, { origin: 'https://chat.example.com' }, { origin: 'http://localhost:3000' }]) {
      const client = await parley.connect({ headers: { ...headers, ...origin } });
      assert.deepEqual((await client.ask('ping')).result, {});
    }
    const { code, reason } = await rejectedConnection(parley.url, {
      headers: { ...headers, origin: 'https://evil.example' },
    });
    assert.deepEqual(
      [code, reason],
      [
        1008,
        'origin not allowed: list it in chat.websocket.allow_origins, or its host in chat.websocket.allowed_hosts',
      ],
    );
    const short = await sendLines(parley.url, ['GET /health HTTP/1.1', 'Host: chat.example.com', 'Via: 1.1 x']);
    assert.equal(short.status, 200);
    assert.deepEqual(Object.keys(JSON.parse(/\{.*\}/.exec(short.body)?.[0] ?? '')), [
      'status',
      'version',
      'uptime_seconds',
      'storage',
    ]);
  });
});

describe('a server without tokens that other machines can reach', () => {
  it('serves any host, but pages of its own host only by an address or a listed host, because a name could be rebound', async (t) => {
    const parley = await startParley(t, {
      config: {
        auth: { allow_anonymous_beyond_loopback: true },
        chat: { websocket: { host: '0.0.0.0', allowed_hosts: ['parley.lan'] } },
      },
    });
    const url = parley.url.replace('0.0.0.0', '127.0.0.1');
    const served = async (headers: Record<string, string>) => {
      const client = await connect(url, { headers });
      await client.ask('ping');
      client.socket.terminate();
    };
    for (const headers of [
      { host: 'anything.example' },
      { host: '192.0.2.7:8000', origin: 'http://192.0.2.7:8000' },
      { host: 'parley.lan:8000', origin: 'http://parley.lan:8000' },
    ])
      await served(headers);
    for (const headers of [
      { host: 'evil.example:8000', origin: 'http://evil.example:8000' },
      { host: '192.0.2.7:8000', origin: 'http://192.0.2.8:8000' },
    ]) {
      assert.match((await rejectedConnection(url, { headers })).reason, /^origin not allowed/);
    }
  });

  it('serves details and metrics by an address or a listed host only; a probe by any name gets the status', async (t) => {
    const parley = await startParley(t, {
      config: {
        auth: { allow_anonymous_beyond_loopback: true },
        chat: { websocket: { host: '0.0.0.0', allowed_hosts: ['parley.lan'] } },
      },
    });
    const url = parley.url.replace('0.0.0.0', '127.0.0.1');
    const get = (path: string, host: string) =>
      sendLines(url, [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close']);
    for (const host of ['evil.example:8000', 'localhost.evil.example', '127.0.0.1.evil.example']) {
      const health = await get('/health', host);
      assert.equal(health.status, 200);
      assert.doesNotMatch(health.body, /mcp_servers|providers/, host);
      assert.equal((await get('/metrics', host)).status, 421, host);
    }
    for (const host of ['192.0.2.7:8000', '[::1]:8000', 'localhost', 'parley.lan']) {
      assert.match((await get('/health', host)).body, /mcp_servers/, host);
      assert.equal((await get('/metrics', host)).status, 200, host);
    }
  });
});
