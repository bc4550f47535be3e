/** Tests prompts and resources through the typed client: its requests, and its checks of the results. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Client } from '../../src/client/client.ts';
import { demoServer, startParley } from '../support/parley.ts';
import { connectClient, withCode } from '../support/typed-client.ts';
import { startWire } from './wire-server.ts';

const requests: { action: string; payload: object; make(client: Client): Promise<object>; answer: object }[] = [
  {
    action: 'prompts',
    payload: { server: 's', limit: 2 },
    make: (client) => client.prompts({ server: 's', limit: 2 }),
    answer: { prompts: [], next_cursor: null, servers: [] },
  },
  {
    action: 'get_prompt',
    payload: { server: 's', name: 'p', arguments: { a: 'b' } },
    make: (client) => client.getPrompt('s', 'p', { a: 'b' }),
    answer: { description: '', messages: [] },
  },
  {
    action: 'resources',
    payload: {},
    make: (client) => client.resources(),
    answer: { resources: [], templates: [], next_cursor: null, servers: [] },
  },
  {
    action: 'read_resource',
    payload: { server: 's', uri: 'u' },
    make: (client) => client.readResource('s', 'u'),
    answer: { contents: [] },
  },
  {
    action: 'complete_argument',
    payload: { server: 's', uri_template: 't', argument: { name: 'a', value: 'b' } },
    make: (client) => client.completeArgument('s', { uriTemplate: 't', argument: { name: 'a', value: 'b' } }),
    answer: { values: [], total: null, has_more: false },
  },
];

describe('a request for prompts or resources', () => {
  for (const { action, payload, make, answer } of requests) {
    test(`is sent as the protocol defines it: ${action}`, async (t) => {
      const wire = await startWire(t, {
        answer: ({ request_id }, send) => send({ request_id, status: 'result', result: answer }),
      });
      assert.deepEqual(await make(connectClient(t, wire.url)), answer);
      assert.deepEqual(
        wire.asked.map((asked) => [asked.action, asked.payload]),
        [[action, payload]],
      );
    });

    test(`rejects a result without required fields: ${action}`, async (t) => {
      const wire = await startWire(t, {
        answer: ({ request_id }, send) => send({ request_id, status: 'result', result: { values: null } }),
      });
      await assert.rejects(make(connectClient(t, wire.url)), withCode('unexpected_answer'));
    });
  }
});

test('the real server returns the prompts and resources of its MCP servers', async (t) => {
  const parley = await startParley(t, { mcpServers: demoServer });
  const client = connectClient(t, parley.url);
  assert.deepEqual(
    (await client.prompts()).prompts.map(({ name }) => name),
    ['summarize'],
  );
  const {
    messages: [message],
  } = await client.getPrompt('demo', 'summarize', { text: 'Long.' });
  assert.match(message?.text ?? '', /three sentences:\n\nLong\./);
  assert.deepEqual(
    (await client.resources()).resources.map(({ uri }) => uri),
    ['parley://about'],
  );
  const {
    contents: [about],
  } = await client.readResource('demo', 'parley://about');
  assert.match(about?.text ?? '', /demo MCP server/);
  await assert.rejects(
    client.completeArgument('demo', { prompt: 'summarize', argument: { name: 'text', value: '' } }),
    withCode('mcp_refused'),
  );
});
