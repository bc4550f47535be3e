/** The MCP server chart as a table: every state, every event. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { McpServerEvent } from '../../machines/mcp-server-types.ts';
import { catalogue, start, routes } from '../support/machines/mcp-server.ts';

const events: McpServerEvent[] = [
  { type: 'server.ready', catalogue },
  { type: 'server.changed', catalogue: [] },
  { type: 'server.lost', reason: 'gone', jitter: 1 },
  { type: 'server.suspect' },
  { type: 'server.unauthorized' },
  { type: 'server.asks', url: 'https://login.example/' },
  { type: 'server.wake' },
  { type: 'server.reconfigured' },
  { type: 'server.drain' },
];

/** Where each event leads from each state; the same state where it is to change nothing. */
const table: Record<string, Record<McpServerEvent['type'], string>> = {
  connecting: {
    'server.ready': 'resting',
    'server.changed': 'connecting',
    'server.lost': 'backingOff',
    'server.suspect': 'connecting',
    'server.unauthorized': 'authorizing',
    'server.asks': 'connecting',
    'server.wake': 'connecting',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  resting: {
    'server.ready': 'resting',
    'server.changed': 'resting',
    'server.lost': 'backingOff',
    'server.suspect': 'doubted',
    'server.unauthorized': 'authorizing',
    'server.asks': 'resting',
    'server.wake': 'resting',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  checking: {
    'server.ready': 'checking',
    'server.changed': 'checking',
    'server.lost': 'backingOff',
    'server.suspect': 'doubted',
    'server.unauthorized': 'authorizing',
    'server.asks': 'checking',
    'server.wake': 'checking',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  doubted: {
    'server.ready': 'doubted',
    'server.changed': 'doubted',
    'server.lost': 'backingOff',
    'server.suspect': 'doubted',
    'server.unauthorized': 'authorizing',
    'server.asks': 'doubted',
    'server.wake': 'doubted',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  authorizing: {
    'server.ready': 'authorizing',
    'server.changed': 'authorizing',
    'server.lost': 'authorizing',
    'server.suspect': 'authorizing',
    'server.unauthorized': 'authorizing',
    'server.asks': 'authorizing',
    'server.wake': 'authorizing',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  backingOff: {
    'server.ready': 'backingOff',
    'server.changed': 'backingOff',
    'server.lost': 'backingOff',
    'server.suspect': 'backingOff',
    'server.unauthorized': 'backingOff',
    'server.asks': 'backingOff',
    'server.wake': 'connecting',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  failed: {
    'server.ready': 'failed',
    'server.changed': 'failed',
    'server.lost': 'failed',
    'server.suspect': 'failed',
    'server.unauthorized': 'failed',
    'server.asks': 'failed',
    'server.wake': 'connecting',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  restarting: {
    'server.ready': 'restarting',
    'server.changed': 'restarting',
    'server.lost': 'restarting',
    'server.suspect': 'restarting',
    'server.unauthorized': 'restarting',
    'server.asks': 'restarting',
    'server.wake': 'restarting',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  draining: {
    'server.ready': 'draining',
    'server.changed': 'draining',
    'server.lost': 'draining',
    'server.suspect': 'draining',
    'server.unauthorized': 'draining',
    'server.asks': 'draining',
    'server.wake': 'draining',
    'server.reconfigured': 'draining',
    'server.drain': 'draining',
  },
};

for (const [state, answers] of Object.entries(table)) {
  describe(`a server that is ${state}`, () => {
    for (const event of events) {
      test(`is ${answers[event.type]} after ${event.type}, which its chart names`, () => {
        const box = start();
        routes[state]?.(box);
        assert.equal(box.state, state);
        assert.ok(box.actor.getSnapshot()._nodes.some(({ transitions }) => transitions.has(event.type)));

        box.actor.send(event);

        assert.equal(box.state, answers[event.type]);
        assert.equal(
          box.connections.open,
          ['connecting', 'resting', 'checking', 'doubted'].includes(box.state) ? 1 : 0,
        );
      });
    }
  });
}
