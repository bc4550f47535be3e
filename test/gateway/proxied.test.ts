/**
 * Checks a server without auth behind a proxy or under a foreign name: what it serves, and how it rejects. The test
 * sends the exact requests of browsers and nginx over raw sockets.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sendLines, upgradeByLines, upgradeLines } from './raw-request.ts';
import { shareServers } from '../support/parley.ts';

const KEY = 'chat.websocket.allowed_hosts';
const PATHS = [
  '/health',
  '/ready',
  '/metrics',
  '/ws/chat',
  '/nothing',
  '/inspect',
  '/inspect/assets/inspect.js',
  '/inspect/api/charts',
  '/inspect/api/conversations',
];
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket'];

const serve = shareServers();

async function start(config: Record<string, unknown> = {}) {
  const { url } = await serve(config);
  const { host, port } = new URL(url);
  return {
    url,
    host,
    port,
    get: (path: string, ...lines: string[]) => sendLines(url, [`GET ${path} HTTP/1.1`, ...lines]),
    chat: (...lines: string[]) => upgradeByLines(url, upgradeLines(lines)),
    inspect: (...lines: string[]) => upgradeByLines(url, upgradeLines(lines, '/inspect/events?conversation=c1')),
  };
}

const withHosts = (allowed_hosts: string[], more: object = {}) => ({ chat: { websocket: { allowed_hosts, ...more } } });

describe('a Host that is not this machine', () => {
  for (const { name, lines } of [
    { name: 'by its name', lines: ['Host: evil.example:8000'] },
    { name: 'that looks like localhost', lines: ['Host: localhost.evil.example'] },
    { name: 'none', lines: [] },
    { name: 'an empty one', lines: ['Host:'] },
    { name: 'two', lines: ['Host: localhost', 'Host: evil.example'] },
    { name: 'two alike', lines: ['Host: localhost', 'Host: localhost'] },
    { name: 'with a user in it', lines: ['Host: x@localhost'] },
    { name: 'an address of another machine', lines: ['Host: 192.0.2.1:8000'] },
  ]) {
    test(`(${name}) is rejected on every page and socket, with the key to set`, async () => {
      const { get, chat, inspect } = await start();
      for (const path of PATHS) {
        const { status, body } = await get(path, ...lines);
        const isInspection = path.startsWith('/inspect');
        assert.equal(status, isInspection ? 403 : 421, path);
        assert.ok(body.includes(isInspection ? 'inspect.beyond_loopback' : KEY), body);
      }
      const { close } = await chat(...lines, ...UPGRADE);
      assert.equal(close?.code, 1008);
      assert.equal(close?.reason, `host not allowed: list it in ${KEY}, or set auth.mode to token`);
      assert.match((await inspect(...lines, ...UPGRADE)).close?.reason ?? '', /inspect\.beyond_loopback/);
    });
  }

  test('is rejected for other methods too', async () => {
    const { url } = await start();
    assert.equal(
      (await sendLines(url, ['POST /metrics HTTP/1.1', 'Host: evil.example', 'Content-Length: 0'])).status,
      421,
    );
  });

  test('every name of this machine is served, with any port', async () => {
    const { get, chat, inspect } = await start();
    for (const name of [
      'localhost',
      'LOCALHOST:8000',
      'localhost.:1',
      'app.localhost',
      '127.0.0.1',
      '127.9.9.9:80',
      '[::1]:8000',
    ]) {
      assert.equal((await get('/metrics', `Host: ${name}`)).status, 200, name);
      assert.equal((await get('/inspect', `Host: ${name}`)).status, 200, name);
      assert.equal((await chat(`Host: ${name}`, ...UPGRADE)).close, null, name);
      assert.equal((await get('/inspect/api/conversations', `Host: ${name}`)).status, 200, name);
    }
    assert.equal((await inspect('Host: evil.example', ...UPGRADE)).close?.code, 1008);
  });
});

describe('a request under a name of this machine with signs of a proxy', () => {
  const headers = [
    'X-Forwarded-For: 192.0.2.1',
    'X-Forwarded-Host: chat.example.com',
    'X-Forwarded-Proto: https',
    'X-Forwarded: x',
    'Forwarded: for=192.0.2.1',
    'Via: 1.1 Caddy',
    'X-Real-IP: 192.0.2.1',
    'X-Client-IP: 192.0.2.1',
    'CF-Connecting-IP: 192.0.2.1',
    'CF-Ray: 1',
    'True-Client-IP: 192.0.2.1',
    'Fastly-Client-IP: 192.0.2.1',
    'CDN-Loop: x',
    'X-Forwarded-For:',
  ];

  test('is rejected on pages and sockets if it has a header of proxies and content networks', async () => {
    const { get, chat, inspect, host } = await start();
    for (const header of headers) {
      for (const path of PATHS) {
        const { status, body } = await get(path, `Host: ${host}`, header);
        assert.equal(status, 403, `${header} ${path}`);
        assert.ok(body.includes(path.startsWith('/inspect') ? 'inspect.beyond_loopback' : KEY), body);
      }
      assert.equal(
        (await chat(`Host: ${host}`, ...UPGRADE, header)).close?.reason,
        `came through a proxy: forward Host and list it in ${KEY}, or set auth.mode to token`,
        header,
      );
      assert.match(
        (await inspect(`Host: ${host}`, ...UPGRADE, header)).close?.reason ?? '',
        /inspect\.beyond_loopback/,
        header,
      );
    }
  });

  test('is rejected if nginx sent it with its usual three lines: Connection without Upgrade', async () => {
    const { get, host } = await start();
    for (const path of PATHS) {
      assert.equal(
        (await get(path, 'Connection: upgrade', `Host: ${host}`, 'User-Agent: curl/8.0', 'Accept: */*')).status,
        403,
        path,
      );
      // Written by another proxy, or in another order.
      assert.equal(
        (await get(path, `Host: ${host}`, 'Connection: keep-alive, Upgrade', 'Accept: */*')).status,
        403,
        path,
      );
    }
  });

  test('is rejected if nginx sent it without these lines, as HTTP/1.0', async () => {
    const { url, host } = await start();
    for (const path of PATHS)
      assert.equal(
        (await sendLines(url, [`GET ${path} HTTP/1.0`, `Host: ${host}`, 'Connection: close'])).status,
        403,
        path,
      );
  });

  test('is rejected if nginx sent it with the map of its documentation: Connection comes before Host', async () => {
    const { get, host } = await start();
    for (const path of PATHS)
      assert.equal((await get(path, 'Connection: close', `Host: ${host}`, 'Accept: */*')).status, 403, path);
  });

  for (const spelling of ['upgrade', 'Upgrade']) {
    test(`is rejected if nginx sent an upgrade without an Origin, with "${spelling}": Upgrade and Connection come before Host`, async () => {
      const { chat, inspect, host } = await start();
      const lines = ['Upgrade: websocket', `Connection: ${spelling}`, `Host: ${host}`];
      assert.match((await chat(...lines)).close?.reason ?? '', /^came through a proxy/);
      assert.match(
        (await chat(...lines, 'Origin: http://localhost:3000')).close?.reason ?? '',
        /^came through a proxy/,
      );
      assert.match((await inspect(...lines)).close?.reason ?? '', /inspect\.beyond_loopback/);
    });
  }

  test('is distinct from the requests of clients on this machine, which are served', async () => {
    const { get, chat, host } = await start();
    assert.equal(
      (
        await chat(
          `Host: ${host}`,
          'Connection: keep-alive, Upgrade',
          'Upgrade: websocket',
          'Origin: http://localhost:3000',
        )
      ).close,
      null,
    );
    assert.equal((await chat('User-Agent: x', ...UPGRADE, `Host: ${host}`)).close, null);
    assert.equal((await get('/metrics', `Host: ${host}`, 'Connection: close')).status, 200);
    assert.equal(
      (await get('/metrics', 'connection: close', `Host: ${host}`)).status,
      200,
      'as a program in Node writes it',
    );
    assert.equal((await get('/metrics', 'User-Agent: x', 'Connection: close', `Host: ${host}`)).status, 200);
  });
});

describe('a request of a page of another site', () => {
  for (const { name, lines } of [
    { name: 'Origin', lines: ['Origin: https://chat.example.com'] },
    { name: 'an Origin that is none', lines: ['Origin: null'] },
    { name: 'Referer', lines: ['Referer: https://chat.example.com/inspect?secret=1', 'Sec-Fetch-Site: same-origin'] },
    { name: 'Referer alone', lines: ['Referer: http://chat.example.com/'] },
    {
      name: 'Sec-Fetch-Site',
      lines: ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'],
    },
    {
      name: 'a frame of it',
      lines: ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
    },
  ]) {
    test(`is rejected by ${name}`, async () => {
      const { get, host } = await start();
      for (const path of PATHS) {
        const { status, body } = await get(path, `Host: ${host}`, ...lines);
        assert.equal(status, 403, path);
        assert.ok(!body.includes('secret'));
        assert.ok(
          body.includes(path.startsWith('/inspect') ? 'inspect.beyond_loopback' : 'chat.websocket.allow_origins'),
          body,
        );
      }
    });
  }

  for (const { name, lines } of [
    { name: 'a page of this machine', lines: ['Origin: http://localhost:3000', 'Sec-Fetch-Site: same-site'] },
    {
      name: 'a page of this machine under another of its names',
      lines: ['Origin: http://127.0.0.1:3000', 'Sec-Fetch-Site: cross-site'],
    },
    { name: 'its own page', lines: ['Referer: http://localhost:8000/inspect', 'Sec-Fetch-Site: same-origin'] },
    {
      name: 'an address that was typed',
      lines: ['Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'],
    },
    {
      name: 'a link that was followed',
      lines: [
        'Referer: https://github.com/',
        'Sec-Fetch-Site: cross-site',
        'Sec-Fetch-Mode: navigate',
        'Sec-Fetch-Dest: document',
      ],
    },
  ]) {
    test(`is distinct from ${name}, which is served`, async () => {
      const { get } = await start();
      for (const path of ['/health', '/inspect', '/inspect/api/conversations'])
        assert.equal((await get(path, 'Host: localhost', ...lines)).status, 200, path);
    });
  }
});

describe('a host in allowed_hosts', () => {
  test('is served through a proxy without a token, and its pages may connect; others may not', async () => {
    const { get, chat } = await start(withHosts(['chat.example.com']));
    const proxied = ['Host: chat.example.com', 'X-Forwarded-For: 192.0.2.1', 'Via: 1.1 Caddy'];
    for (const scheme of ['http', 'https'])
      assert.equal((await chat(...proxied, ...UPGRADE, `Origin: ${scheme}://chat.example.com`)).close, null, scheme);
    assert.equal((await chat(...proxied, ...UPGRADE)).close, null, 'a client that is no browser');
    assert.equal((await get('/health', ...proxied, 'Connection: upgrade')).status, 200);
    for (const origin of [
      'https://evil.example',
      'https://chat.example.com.evil.example',
      'https://x.chat.example.com',
      'ftp://chat.example.com',
    ]) {
      assert.match(
        (await chat(...proxied, ...UPGRADE, `Origin: ${origin}`)).close?.reason ?? '',
        /^origin not allowed: .*allow_origins.*allowed_hosts$/,
        origin,
      );
    }
    assert.match((await chat('Host: other.example.com', ...UPGRADE)).close?.reason ?? '', /^host not allowed/);
    assert.match(
      (await chat('Host: localhost', 'X-Forwarded-For: 192.0.2.1', ...UPGRADE)).close?.reason ?? '',
      /^came through a proxy/,
    );
  });

  test('may connect from its pages also if the proxy does not forward Host', async () => {
    const { chat, host } = await start(withHosts(['chat.example.com']));
    const nginx = ['Upgrade: websocket', 'Connection: upgrade', `Host: ${host}`];
    assert.equal((await chat(...nginx, 'Origin: https://chat.example.com')).close, null);
    assert.equal((await chat(...nginx, 'Origin: https://evil.example')).close?.code, 1008);
    assert.equal((await chat(...nginx)).close?.code, 1008);
  });

  test('gets no inspection, which has a key of its own and needs tokens', async () => {
    const { get, inspect } = await start(withHosts(['chat.example.com', 'localhost']));
    for (const lines of [['Host: chat.example.com'], ['Host: localhost', 'X-Forwarded-For: 192.0.2.1']]) {
      for (const path of PATHS.filter((each) => each.startsWith('/inspect'))) {
        const { status, body } = await get(path, ...lines);
        assert.equal(status, 403, path);
        assert.match(body, /inspect\.beyond_loopback to true, set auth\.mode to token, .*inspect\.viewers/);
      }
      assert.match((await inspect(...lines, ...UPGRADE)).close?.reason ?? '', /inspect\.beyond_loopback/);
    }
  });

  test('may be a name of this machine, which is then served through proxies', async () => {
    const { chat } = await start(withHosts(['localhost']));
    assert.equal(
      (await chat('Host: localhost:8000', 'X-Forwarded-For: 127.0.0.1', ...UPGRADE, 'Origin: http://localhost:3000'))
        .close,
      null,
    );
    assert.equal((await chat('Host: 127.0.0.1:8000', 'X-Forwarded-For: 127.0.0.1', ...UPGRADE)).close?.code, 1008);
  });

  test('may have a port or a wildcard', async () => {
    const { chat } = await start(withHosts(['*.example.com', 'chat.example:8443']));
    assert.equal((await chat('Host: a.example.com', ...UPGRADE, 'Origin: https://b.example.com')).close, null);
    assert.equal((await chat('Host: chat.example:8443', ...UPGRADE, 'Origin: https://chat.example:8443')).close, null);
    for (const host of ['example.com', 'chat.example', 'chat.example:8000'])
      assert.equal((await chat(`Host: ${host}`, ...UPGRADE)).close?.code, 1008, host);
  });
});

test('listed origins match with ports, capitals, slashes and wildcards', async () => {
  const { chat } = await start(
    withHosts([], {
      allow_origins: ['HTTPS://App.Example.com:443/', 'http://app.example.com:3000', 'https://*.pages.example'],
    }),
  );
  const by = async (origin: string) =>
    (await chat('Host: localhost', ...UPGRADE, `Origin: ${origin}`)).close?.code ?? null;
  for (const origin of ['https://app.example.com', 'http://app.example.com:3000', 'https://a.pages.example'])
    assert.equal(await by(origin), null, origin);
  for (const origin of [
    'http://app.example.com',
    'https://app.example.com:3000',
    'https://pages.example',
    'http://a.pages.example',
  ])
    assert.equal(await by(origin), 1008, origin);
});

test('with every origin allowed, pages of other sites are served, but no proxy is', async () => {
  const { get, chat } = await start(withHosts([], { allow_origins: ['*'] }));
  assert.equal((await chat('Host: localhost', ...UPGRADE, 'Origin: https://any.example')).close, null);
  assert.equal((await get('/health', 'Host: localhost', 'Sec-Fetch-Site: cross-site')).status, 200);
  assert.equal(
    (await chat('Upgrade: websocket', 'Connection: upgrade', 'Host: localhost', 'Origin: https://any.example')).close
      ?.code,
    1008,
  );
  assert.equal((await get('/inspect', 'Host: localhost', 'Origin: https://any.example')).status, 403);
});
