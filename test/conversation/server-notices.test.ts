/** Tests the notices about MCP servers that running turns get: each change once, and only useful ones. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createActor, fromCallback, fromPromise } from 'xstate';
import type { McpServerEvent } from '../../machines/mcp-server-types.ts';
import { mcpServerMachine, serverState } from '../../machines/mcp-server.ts';
import { createServerNotices, type TurnRef } from '../../src/conversation/server-notices.ts';
import type { Frame } from '../../src/protocol/frames.ts';

const limits = {
  connectionTimeoutMs: 10_000,
  startTimeoutMs: 10_000,
  startTimeoutKey: 'the key',
  initialBackoffMs: 10_000,
  maxBackoffMs: 10_000,
  maxReconnectAttempts: 5,
  failedRetryMs: 10_000,
  healthIntervalMs: 10_000,
  authorizationTimeoutMs: 10_000,
};
const turns: TurnRef[] = ['r1', 'r2'].map((requestId) => ({
  owner: 'me',
  conversationId: `c-${requestId}`,
  requestId,
}));

function watched() {
  const logic = mcpServerMachine.provide({
    actors: {
      connection: fromCallback(() => undefined),
      closing: fromPromise(() => Promise.resolve()),
      authorization: fromPromise(() => new Promise<void>(() => undefined)),
    },
  });
  const actor = createActor(logic, { input: { name: 'web', limits } });
  const sent: string[] = [];
  const notices = createServerNotices({
    mcpServers: {
      statuses: () => [
        {
          name: 'web',
          state: serverState(actor.getSnapshot().value),
          tools: 0,
          protocol: null,
          error: actor.getSnapshot().context.lastError,
          authorizeUrl: actor.getSnapshot().context.authorizeUrl,
        },
      ],
    },
    delivery: {
      broadcast: (ref, frame: Frame & { request_id: string }) =>
        sent.push(
          `${ref.conversationId} ${frame.request_id} ${frame.status === 'chunk' ? JSON.stringify(frame.chunk) : ''}`,
        ),
    },
    atWork: () => turns,
  });
  notices.watch('web', actor);
  actor.start();
  return { notices, sent, send: (event: McpServerEvent) => actor.send(event), stop: () => actor.stop() };
}

const lost: McpServerEvent = { type: 'server.lost', reason: 'gone', jitter: 1 };
const ready: McpServerEvent = { type: 'server.ready', catalogue: [] };
const wake: McpServerEvent = { type: 'server.wake' };

describe('running turns', () => {
  test('are notified once that a server is unavailable and once that it is back, no matter how often it reconnects', (t) => {
    const { sent, send, stop } = watched();
    t.after(stop);
    for (const event of [ready, lost, wake, lost, wake, ready, ready]) send(event);
    const kinds = sent.map((line) => /^(\S+ \S+) .*"kind":"(\w+)"/.exec(line)?.slice(1).join(' '));
    assert.deepEqual(
      kinds,
      ['server_unavailable', 'server_available'].flatMap((kind) =>
        ['c-r1 r1', 'c-r2 r2'].map((turn) => `${turn} ${kind}`),
      ),
    );
  });

  test('are not notified of the first connect, nor of the shutdown', (t) => {
    const { sent, send, stop } = watched();
    t.after(stop);
    send(ready);
    send({ type: 'server.drain' });
    assert.deepEqual(sent, []);
  });
});

describe('a new turn', () => {
  const words = (...events: McpServerEvent[]) => {
    const { notices, sent, send, stop } = watched();
    events.forEach(send);
    sent.length = 0;
    for (const turn of turns.slice(0, 1)) notices.turnStarted(turn);
    stop();
    return sent.map((line) => /"data":"(.*)"}$/.exec(line)?.[1]?.replaceAll('\\', ''));
  };

  test('is notified of servers that it waits for or that are unavailable', () => {
    assert.deepEqual(words(), ['Waiting for the MCP server "web" to connect.']);
    assert.deepEqual(words(ready), []);
    assert.deepEqual(words(lost), ['The MCP server "web" is not available (gone). Parley tries again.']);
    assert.deepEqual(
      words(lost, wake),
      ['The MCP server "web" is not available (gone). Parley tries again.'],
      'no turn waits for a second connect',
    );
    const asks: McpServerEvent = { type: 'server.authorizeUrl', url: 'https://login.example/' };
    assert.match(
      words({ type: 'server.unauthorized' }, asks)[0] ?? '',
      /To authorize it, open https:\/\/login\.example\/ in a browser/,
    );
  });
});
