/** Checks the inspector's pages and API over plain HTTP: responses, access, and content security policy. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { pageOf } from '../support/metrics.ts';
import { shareServers, startParley, type Parley } from '../support/parley.ts';

/** For the tests that only read. */
const serve = shareServers();

const at = ({ url }: Parley, path: string) => fetch(pageOf(url, path));

/** Sends any Host header, which `fetch` does not. */
function ask(parley: Parley, path: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(
      pageOf(parley.url, path),
      { headers },
      (response) => void text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject),
    ).on('error', reject);
  });
}

test('the page allows only its own scripts, no embedding, and no caching', async () => {
  const parley = await serve();
  const response = await at(parley, '/inspect');
  assert.equal(response.status, 200);
  const policy = response.headers.get('content-security-policy') ?? '';
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "frame-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ])
    assert.ok(policy.includes(rule), rule);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const page = await response.text();
  assert.doesNotMatch(page, /<script(?![^>]* src=)|\son\w+=|style=|https?:/);
  for (const [, file = ''] of page.matchAll(/(?:src|href)="(\/[^"]+)"/g))
    assert.equal((await at(parley, file)).status, 200, file);
  const asFile = await at(parley, '/inspect/assets/inspect.html');
  assert.equal(asFile.headers.get('content-security-policy'), policy);
  const frame = readFileSync(join(import.meta.dirname, '../../src/inspect/page/stately.html'), 'utf8');
  const stately = await at(parley, '/inspect/stately');
  assert.ok(
    stately.headers
      .get('content-security-policy')
      ?.includes(`frame-src ${new URL(/data-src="([^"]+)"/.exec(frame)?.[1] ?? '').origin};`),
  );
});

test("the routes serve no file outside the page's folder, and no file that is not part of the page", async () => {
  const parley = await serve();
  for (const path of [
    '/inspect/assets/../routes.ts',
    '/inspect/assets/%2e%2e/routes.ts',
    '/inspect/assets/tsconfig.json',
    '/inspect/assets/',
    '/inspect/api/nothing',
    '/inspect/api/',
    '/inspect/api/replay',
    '/inspect/api/replay?conversation=unknown',
  ]) {
    assert.equal((await ask(parley, path, {})).status, 404, path);
  }
});

test('the API serves charts with every state and every transition once', async () => {
  const parley = await serve();
  const {
    charts,
  }: {
    charts: {
      id: string;
      states: { path: string; transitions: { id: string; target: string | null }[] }[];
      svg: Record<string, string>;
    }[];
  } = JSON.parse(await (await at(parley, '/inspect/api/charts')).text());
  assert.deepEqual(
    charts.map(({ id }) => id),
    ['conversation', 'toolCall', 'mcpServer'],
  );
  for (const { id, states, svg } of charts) {
    for (const [way, drawing] of Object.entries(svg)) {
      const drawn = [...drawing.matchAll(/data-state="([^"]*)"/g)].map(([, path]) => path);
      assert.deepEqual(drawn.toSorted(), states.map(({ path }) => path).toSorted(), `${id} ${way}`);
      const lines = [...drawing.matchAll(/data-edges="([^"]+)"/g)].flatMap(([, ids = '']) => ids.split(' '));
      const moving = states.flatMap(({ transitions }) =>
        transitions.flatMap((each) => (each.target === null ? [] : [each.id.replaceAll(' ', '_')])),
      );
      assert.deepEqual(lines.toSorted(), moving.toSorted(), `${id} ${way}`);
      assert.doesNotMatch(drawing, /<script|\son\w+=|style=|NaN|undefined/);
    }
  }
});

test('the page and the API report why they reject a request', async (t) => {
  const token = createToken();
  const auth = {
    mode: 'token',
    tokens: [
      { subject: 'root', sha256: hashToken(token) },
      { subject: 'alice', sha256: hashToken('alice') },
    ],
  };
  const parley = await startParley(t, { config: { auth, inspect: { viewers: ['root'] } } });
  const list = '/inspect/api/conversations';
  assert.deepEqual((await ask(parley, list, {})).status, 401);
  assert.deepEqual((await ask(parley, list, { authorization: 'Bearer alice' })).status, 403);
  assert.deepEqual((await ask(parley, list, { authorization: `Bearer ${token}` })).status, 200);
  assert.equal((await ask(parley, '/inspect', {})).status, 200, "the page contains no user's data");
  for (const headers of [{ host: 'rebound.example' }, { 'x-forwarded-for': '192.0.2.1' }]) {
    for (const path of ['/inspect', list]) {
      const { status, body } = await ask(parley, path, { ...headers, authorization: `Bearer ${token}` });
      assert.equal(status, 403);
      assert.match(body, /serves this machine only/);
    }
  }
});

test('the API serves proxies and any host name if the configuration allows it', async (t) => {
  const token = createToken();
  const auth = { mode: 'token', tokens: [{ subject: 'root', sha256: hashToken(token) }] };
  const parley = await startParley(t, { config: { auth, inspect: { viewers: ['root'], beyond_loopback: true } } });
  const headers = { host: 'parley.example', 'x-forwarded-for': '192.0.2.1' };
  assert.equal(
    (await ask(parley, '/inspect/api/conversations', { ...headers, authorization: `Bearer ${token}` })).status,
    200,
  );
  assert.equal((await ask(parley, '/inspect/api/conversations', headers)).status, 401);
});

test('the routes do not exist if inspection is off', async (t) => {
  const parley = await startParley(t, { config: { inspect: { enabled: false } } });
  for (const path of ['/inspect', '/inspect/assets/inspect.js', '/inspect/api/conversations'])
    assert.equal((await at(parley, path)).status, 404);
});
