/** Tests the start page: its content for each client, responses to unknown paths and methods, and its look in a browser. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { pageOf } from '../support/metrics.ts';
import { startModelServer } from '../support/model/server.ts';
import { shareServers, startParley, type Parley } from '../support/parley.ts';

interface Got {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

const serve = shareServers();

/** Without fetch, which follows redirects, normalizes paths, and cannot set Host. */
async function get(
  { url }: Pick<Parley, 'url'>,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Got> {
  const sent = httpRequest({ host: '127.0.0.1', port: new URL(url).port, path, method, headers, agent: false }).end();
  const [response] = await once(sent, 'response');
  return { status: response.statusCode, headers: response.headers, body: await readText(response) };
}

describe('the start page', () => {
  it('shows version, address and model, and links to the other pages', async () => {
    const parley = await serve();
    const { status, headers, body } = await get(parley, '/', { headers: { host: 'localhost:1234' } });
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; /);
    for (const part of [
      'running',
      'ws://localhost:1234/ws/chat',
      'the demo model, offline',
      `./run.sh say "add 2 and 3" --port ${new URL(parley.url).port}<`,
      'websocat -n ws://localhost:1234/ws/chat',
      'No token is needed',
      'href="/inspect"',
      'href="/health"',
      'href="/docs/README.md"',
    ])
      assert.ok(body.includes(part), part);
    assert.doesNotMatch(body, /\{\{|undefined|<script|style=|https?:\/\//);
    for (const [, path = ''] of body.matchAll(/(?:href|src)="([^"]+)"/g))
      assert.equal((await get(parley, path)).status, 200, path);
  });

  it('names the model of a provider, and the address of the request', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    const parley = await startParley(t, {
      modelUrl: model.url,
      config: { chat: { websocket: { endpoint: '/talk', allowed_hosts: ['chat.example'] } } },
    });
    const behindProxy = await get(parley, '/', {
      headers: { host: 'chat.example', 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' },
    });
    assert.ok(behindProxy.body.includes('<code>scripted-model</code> of the provider scripted'));
    assert.ok(behindProxy.body.includes('wss://chat.example/talk'));
    assert.ok(!behindProxy.body.includes('href="/inspect"'), 'inspection is for this machine alone');
    const hostile = await get(parley, '/', { headers: { host: 'x"><script>alert(1)</script>' } });
    assert.equal(hostile.status, 421);
    assert.doesNotMatch(hostile.body, /<script/);
  });

  it('is served also if the WebSocket is at /', async (t) => {
    const parley = await startParley(t, { config: { chat: { websocket: { endpoint: '/' } } } });
    assert.equal((await get(parley, '/')).status, 200);
    const client = await parley.connect();
    await client.turn(client.send('chat', { text: 'Hi' }));
  });

  it('shows the model only to clients that may chat, if a token is required', async (t) => {
    const token = createToken();
    const parley = await startParley(t, {
      config: { auth: { mode: 'token', tokens: [{ subject: 'alice', sha256: hashToken(token) }] } },
    });
    const withoutToken = await get(parley, '/');
    assert.equal(withoutToken.status, 200);
    assert.ok(
      withoutToken.body.includes('a model that is shown only to clients with a token') &&
        withoutToken.body.includes('This server requires a token'),
    );
    assert.ok(
      withoutToken.body.includes('Authorization: Bearer TOKEN') && withoutToken.body.includes('parley.token.TOKEN'),
    );
    assert.ok(
      !withoutToken.body.includes('demo model') && !withoutToken.body.includes('href="/inspect"'),
      withoutToken.body,
    );
    assert.ok((await get(parley, '/', { headers: { authorization: `Bearer ${token}` } })).body.includes('demo model'));
  });

  it('answers HEAD without a body', async () => {
    const parley = await serve();
    for (const path of ['/', '/health', '/favicon.ico', '/inspect', '/nothing']) {
      const [head, whole] = [await get(parley, path, { method: 'HEAD' }), await get(parley, path)];
      assert.deepEqual(
        [head.status, head.headers['content-type'], head.body],
        [whole.status, whole.headers['content-type'], ''],
        path,
      );
    }
  });
});

describe('the server over HTTP', () => {
  it('answers an unknown path with the pages that exist, as text or as JSON', async (t) => {
    const parley = await serve();
    for (const path of [
      '/nothing',
      '//',
      '/docs/',
      '/docs/../package.json',
      '/docs/%2e%2e/package.json',
      '/docs/decisions',
      '/home.html',
      '/inspect/nothing',
      '/health//',
      `/${'x'.repeat(5000)}`,
    ]) {
      const { status, headers, body } = await get(parley, path);
      assert.deepEqual([status, headers['content-type']], [404, 'text/plain; charset=utf-8'], path);
      assert.match(
        body,
        /^No page at \S.*\. The WebSocket endpoint is \/ws\/chat; the pages are \/, \/health, \/ready, \/metrics, \/inspect\.\n$/,
      );
      assert.ok(body.length < 500);
    }
    const { status, headers, body } = await get(parley, '/nothing', {
      headers: { accept: 'text/html, application/json' },
    });
    assert.deepEqual([status, headers['content-type']], [404, 'application/json']);
    assert.partialDeepStrictEqual(JSON.parse(body), {
      websocket: '/ws/chat',
      pages: ['/', '/health', '/ready', '/metrics', '/inspect'],
    });
    const shut = await startParley(t, { config: { inspect: { enabled: false } } });
    assert.match((await get(shut, '/inspect')).body, /the pages are \/, \/health, \/ready, \/metrics\.\n$/);
    assert.ok(!(await get(shut, '/')).body.includes('href="/inspect"'));
  });

  it('redirects a page with a trailing slash to the page', async () => {
    const parley = await serve();
    for (const [path, location] of [
      ['/inspect/', '/inspect'],
      ['/health/?a=1', '/health?a=1'],
      ['/metrics/', '/metrics'],
      ['/ws/chat/', '/ws/chat'],
    ] as const) {
      const { status, headers } = await get(parley, path);
      assert.deepEqual([status, headers.location], [308, location]);
    }
  });

  it('answers other methods with 405 and the allowed ones', async () => {
    const parley = await serve();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      for (const path of ['/', '/health', '/inspect', '/nothing']) {
        const { status, headers, body } = await get(parley, path, { method });
        assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], `${method} ${path}`);
        assert.match(body, /^Pages are read-only\. /);
      }
    }
  });

  it('serves an icon, and excludes crawlers', async () => {
    const parley = await serve();
    assert.match((await get(parley, '/favicon.ico')).body, /^<svg /);
    assert.equal((await get(parley, '/robots.txt')).body, 'User-agent: *\nDisallow: /\n');
  });
});

describe('the start page in a browser', { skip: withoutBrowser }, () => {
  const openPage = createBrowser();

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`fits every width and is legible in ${colorScheme}`, async (t) => {
      const parley = await serve();
      const page = await openPage(t, { colorScheme });
      await page.goto(String(pageOf(parley.url, '/')));
      for (const width of [400, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        assert.deepEqual(
          await page.evaluate(
            '[document.documentElement.scrollWidth, [...document.querySelectorAll("pre, code, a")].every((each) => each.scrollWidth <= each.clientWidth + 1 || getComputedStyle(each).display === "inline")]',
          ),
          [width, true],
        );
      }
      const [paper, ink] = await page.evaluate<[number, number]>(
        '["backgroundColor", "color"].map((name) => parseInt(getComputedStyle(document.body)[name].slice(4)))',
      );
      assert.ok(colorScheme === 'light' ? paper > 200 && ink < 60 : paper < 60 && ink > 200, `${ink} on ${paper}`);
      assert.equal(
        await page.evaluate('document.styleSheets[1].cssRules.length > 10'),
        true,
        'its policy lets its style in',
      );
    });
  }

  it('shows an example that works in its own console', async (t) => {
    const parley = await serve();
    const page = await openPage(t);
    await page.goto(String(pageOf(parley.url, '/')));
    const example = await page.locator('pre', { hasText: 'new WebSocket' }).innerText();
    const done = page.waitForEvent('console', (message) => message.text().includes('"status":"complete"'));
    // As typed there, which a policy without scripts still allows.
    await page.evaluate(`(() => { ${example} })()`);
    await done;
  });
});
