/** What the followers of a turn are told of MCP servers: whom it waits for, who is away, who is back, and what they log. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Turn } from '../support/client.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { startOAuthServer } from '../support/oauth-server.ts';
import { misbehavingServer, startScripted } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const noticesOf = (turn: Turn) =>
  turn.frames.flatMap(({ chunk }) => (chunk?.type === 'notice' && String(chunk['kind']).startsWith('server_') ? [chunk] : []));
const kindsOf = (turn: Turn) => noticesOf(turn).map((chunk) => chunk['kind']);

describe('the followers of a turn are told', () => {
  test('that it waits for a server that has just been started, and it has its tools then', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-start-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const startFile = join(folder, 'start');
    const { model, client } = await startScripted(t, {
      mcpServers: misbehavingServer({ TEST_START_FILE: startFile }),
      config: { mcp: { connection: { startup_wait: 0, connection_timeout: 60 } } },
    });
    model.script(asks([{ name: 'count' }]), says('Counted.'));
    client.send('chat', { text: 'go' }, 'r1');
    await client.waitFor(({ chunk }) => chunk?.type === 'notice', 'the notice');
    assert.equal(model.requests.length, 0);
    writeFileSync(startFile, '');
    const turn = await client.turn('r1');
    assert.deepEqual(noticesOf(turn), [{ type: 'notice', kind: 'server_connecting', server: 'odd', data: 'Waiting for the MCP server "odd" to connect.' }]);
    assert.equal(turn.text, 'Counted.');
  });

  test('once a turn, which servers it has to do without, and why', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: { ...misbehavingServer(), gone: { command: 'no-such-program' } } });
    model.script(asks([{ name: 'count' }]), says('Counted.'));
    const turn = await client.chat('go');
    assert.deepEqual(kindsOf(turn), ['server_unavailable'], 'not again in the second hop');
    assert.equal(noticesOf(turn)[0]?.['server'], 'gone');
    assert.match(noticesOf(turn)[0]?.data ?? '', /"gone" is not available \(could not be started \(ENOENT\).*; it is tried again by itself\.$/);
  });

  test('what to open when a server has to be authorized, and that it is there when somebody did', async (t) => {
    const oauth = await startOAuthServer();
    const web = await startHttpServer({ era: 'stateless', gate: oauth.gate('use') });
    t.after(() => Promise.all([web.stop(), oauth.stop()]));
    const { model, client } = await startScripted(t, { mcpServers: { web: { url: web.url } } });
    model.script(says('Not yet.'), asks([{ name: 'count' }]), says('Counted.'));
    const [asked] = noticesOf(await client.chat('count'));
    assert.equal(asked?.['kind'], 'server_authorizing');
    assert.ok(asked.data?.includes(String(asked['url'])));

    await oauth.browse(String(asked['url']));
    await eventually(async () => JSON.stringify((await client.ask('tools')).result).includes('"ready"'), 'the server to be ready');
    oauth.revoke();
    const requestId = client.send('chat', { text: 'again' });
    const again = await client.waitFor(({ chunk, request_id: id }) => id === requestId && chunk?.['kind'] === 'server_authorizing', 'the address');
    await oauth.browse(String(again.chunk?.['url']));
    const turn = await client.turn(requestId);
    assert.deepEqual([kindsOf(turn), turn.text], [['server_authorizing', 'server_available'], 'Counted.'], 'the call waited');
  });

  test('when a server is lost under way, and when it is back', async (t) => {
    const { model, parley, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    const watcher = await parley.connect();
    model.script(says('Hello.'));
    await client.chat('Hi', { conversation_id: 'c1' });
    await watcher.ask('subscribe', { conversation_id: 'c1' });
    model.script(asks([{ name: 'crash' }]), asks([{ name: 'count' }]), says('It came back.'));
    const turn = await client.chat('go', { conversation_id: 'c1' });
    assert.deepEqual(kindsOf(turn), ['server_unavailable', 'server_available']);
    assert.match(noticesOf(turn)[0]?.data ?? '', /exited with code 7/);
    const end = await watcher.waitFor(({ status, seq }) => status === 'event' && seq === turn.end.seq, 'the end');
    const seen = watcher.frames.slice(0, watcher.frames.indexOf(end)).filter(({ chunk }) => String(chunk?.['kind']).startsWith('server_'));
    assert.equal(seen.length, 2, 'subscribers too');
    model.script(says('Fine.'));
    assert.deepEqual(kindsOf(await client.chat('and now?', { conversation_id: 'c1' })), [], 'who begins later has no use for it');
  });

  test('what a server logs while it is at work on their call alone, legible and not without end', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'talk', arguments: { lines: 150 } }]), says('Fine.'));
    const notices = noticesOf(await client.chat('go'));
    assert.equal(notices.length, 100);
    const callId = notices[0]?.['call_id'];
    assert.deepEqual(notices[0], { type: 'notice', kind: 'server_log', server: 'odd', call_id: callId, level: 'warning', data: 'talker: Mind the gap' });
    assert.match(String(callId), /^call_/);
    assert.equal(notices[1]?.data, 'talker: {"line":2}');
  });

  test('nothing of what a server logs while it is at work on several calls: it may be about another person\'s', async (t) => {
    const { model, client } = await startScripted(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'slow', arguments: { ms: 500 } }, { name: 'talk', arguments: { lines: 3 } }]), says('Fine.'));
    assert.deepEqual(kindsOf(await client.chat('go')), []);
  });
});
