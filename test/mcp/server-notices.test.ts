/**
 * Checks the notices about MCP servers that the followers of a turn get: a wait, a failure, a return, and their log
 * messages.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Turn } from '../../src/client/turn.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { startOAuthServer } from '../support/oauth-server.ts';
import { misbehavingServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { connectClient, readAll, shownText, startTyped } from '../support/typed-client.ts';

const noticesIn = (chunks: readonly Chunk[]) =>
  chunks.flatMap((chunk) => (chunk.type === 'notice' && chunk.kind.startsWith('server_') ? [chunk] : []));
const noticesOf = async (turn: Turn) => noticesIn(await readAll(turn));
const kindsOf = async (turn: Turn) => (await noticesOf(turn)).map(({ kind }) => kind);
const inC1 = { conversationId: 'c1' };

describe('the followers of a turn get a notice', () => {
  test('that it waits for a server that has just been started, and it has its tools then', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-start-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const startFile = join(folder, 'start');
    const { model, client } = await startTyped(t, {
      mcpServers: misbehavingServer({ TEST_START_FILE: startFile }),
      config: { mcp: { connection: { startup_wait: 0, connection_timeout: 60 } } },
    });
    model.script(asks([{ name: 'count' }]), says('Counted.'));
    const turn = client.chat('go');
    const notices: unknown[] = [];
    for await (const chunk of turn) {
      if (chunk.type !== 'notice') continue;
      notices.push(chunk);
      assert.equal(model.requests.length, 0);
      writeFileSync(startFile, '');
    }
    assert.deepEqual(notices, [
      {
        type: 'notice',
        kind: 'server_connecting',
        server: 'odd',
        data: 'Waiting for the MCP server "odd" to connect.',
      },
    ]);
    assert.equal(await turn.text(), 'Counted.');
  });

  test('once a turn of the servers that it runs without, with the reason', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: { ...misbehavingServer(), gone: { command: 'no-such-program' } },
    });
    model.script(asks([{ name: 'count' }]), says('Counted.'));
    const notices = await noticesOf(client.chat('go'));
    assert.deepEqual(
      notices.map(({ kind, server }) => [kind, server]),
      [['server_unavailable', 'gone']],
      'not again in the second hop',
    );
    assert.match(
      notices[0]?.data ?? '',
      /"gone" is not available \(could not be started \(ENOENT\).*\. Parley tries again\.$/,
    );
  });

  test('of the URL to open when a server needs authorization, and of its return after that', async (t) => {
    const oauth = await startOAuthServer();
    const web = await startHttpServer({ era: 'stateless', gate: oauth.gate('use') });
    t.after(() => Promise.all([web.stop(), oauth.stop()]));
    const { model, client } = await startTyped(t, { mcpServers: { web: { url: web.url } } });
    model.script(says('Not yet.'), asks([{ name: 'count' }]), says('Counted.'));
    const [asked] = await noticesOf(client.chat('count'));
    assert.equal(asked?.kind, 'server_authorizing');
    assert.ok(asked.data?.includes(String(asked.url)));

    await oauth.browse(String(asked.url));
    await eventually(
      async () => (await client.tools()).servers.some(({ state }) => state === 'ready'),
      'the server to be ready',
    );
    oauth.revoke();
    const again: Chunk[] = [];
    for await (const chunk of client.chat('again')) {
      again.push(chunk);
      if (chunk.type === 'notice' && chunk.kind === 'server_authorizing') await oauth.browse(String(chunk.url));
    }
    assert.deepEqual(
      [noticesIn(again).map(({ kind }) => kind), shownText(again)],
      [['server_authorizing', 'server_available'], 'Counted.'],
      'the call waited',
    );
  });

  test('when a server is lost during the turn, and when it is back', async (t) => {
    const { model, parley, client } = await startTyped(t, { mcpServers: misbehavingServer() });
    const watcher = connectClient(t, parley.url);
    model.script(says('Hello.'));
    await client.chat('Hi', inC1).end;
    await watcher.request('subscribe', { conversation_id: 'c1' });
    model.script(asks([{ name: 'crash' }]), asks([{ name: 'count' }]), says('It came back.'));
    const turn = client.chat('go', inC1);
    const notices = await noticesOf(turn);
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['server_unavailable', 'server_available'],
    );
    assert.match(notices[0]?.data ?? '', /exited with code 7/);
    const { seq } = await turn.end;
    await eventually(() => watcher.frames.some((frame) => frame.status === 'event' && frame.seq === seq), 'the end');
    assert.deepEqual(
      noticesIn(watcher.frames.flatMap((frame) => (frame.status === 'chunk' ? [frame.chunk] : []))),
      notices,
      'subscribers too',
    );
    model.script(says('Fine.'));
    assert.deepEqual(await kindsOf(client.chat('and now?', inC1)), [], 'who begins later has no use for it');
  });

  test('of the log messages of a server that only their call uses, sanitized and limited', async (t) => {
    const { model, client } = await startTyped(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'talk', arguments: { lines: 150 } }]), says('Fine.'));
    const notices = await noticesOf(client.chat('go'));
    assert.equal(notices.length, 100);
    const callId = notices[0]?.call_id;
    assert.deepEqual(notices[0], {
      type: 'notice',
      kind: 'server_log',
      server: 'odd',
      call_id: callId,
      level: 'warning',
      data: 'talker: Mind the gap',
    });
    assert.match(String(callId), /^[a-zA-Z0-9]{9}$/);
    assert.equal(notices[1]?.data, 'talker: {"line":2}');
  });

  test('of no log message of a server with calls of several turns: it may concern another user', async (t) => {
    const { model, client } = await startTyped(t, { mcpServers: misbehavingServer() });
    model.script(
      asks([
        { name: 'slow', arguments: { ms: 500 } },
        { name: 'talk', arguments: { lines: 3 } },
      ]),
      says('Fine.'),
    );
    assert.deepEqual(await kindsOf(client.chat('go')), []);
  });
});
