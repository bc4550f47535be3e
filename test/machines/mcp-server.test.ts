/** Tests every event in every state of the MCP server chart, as a table. */
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
  { type: 'server.authorizeUrl', url: 'https://login.example/' },
  { type: 'server.wake' },
  { type: 'server.reconfigured' },
  { type: 'server.drain' },
];

/** The next state for each event in each state; the same state if the event changes nothing. */
const table: Record<string, Record<McpServerEvent['type'], string>> = {
  connecting: {
    'server.ready': 'healthy',
    'server.changed': 'connecting',
    'server.lost': 'backingOff',
    'server.suspect': 'connecting',
    'server.unauthorized': 'authorizing',
    'server.authorizeUrl': 'connecting',
    'server.wake': 'connecting',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  slow: {
    'server.ready': 'healthy',
    'server.changed': 'slow',
    'server.lost': 'backingOff',
    'server.suspect': 'slow',
    'server.unauthorized': 'authorizing',
    'server.authorizeUrl': 'slow',
    'server.wake': 'slow',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  healthy: {
    'server.ready': 'healthy',
    'server.changed': 'healthy',
    'server.lost': 'backingOff',
    'server.suspect': 'verifying',
    'server.unauthorized': 'authorizing',
    'server.authorizeUrl': 'healthy',
    'server.wake': 'healthy',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  checking: {
    'server.ready': 'checking',
    'server.changed': 'checking',
    'server.lost': 'backingOff',
    'server.suspect': 'verifying',
    'server.unauthorized': 'authorizing',
    'server.authorizeUrl': 'checking',
    'server.wake': 'checking',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  verifying: {
    'server.ready': 'verifying',
    'server.changed': 'verifying',
    'server.lost': 'backingOff',
    'server.suspect': 'verifying',
    'server.unauthorized': 'authorizing',
    'server.authorizeUrl': 'verifying',
    'server.wake': 'verifying',
    'server.reconfigured': 'restarting',
    'server.drain': 'draining',
  },
  authorizing: {
    'server.ready': 'authorizing',
    'server.changed': 'authorizing',
    'server.lost': 'authorizing',
    'server.suspect': 'authorizing',
    'server.unauthorized': 'authorizing',
    'server.authorizeUrl': 'authorizing',
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
    'server.authorizeUrl': 'backingOff',
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
    'server.authorizeUrl': 'failed',
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
    'server.authorizeUrl': 'restarting',
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
    'server.authorizeUrl': 'draining',
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
          ['connecting', 'slow', 'healthy', 'checking', 'verifying'].includes(box.state) ? 1 : 0,
        );
      });
    }
  });
}
