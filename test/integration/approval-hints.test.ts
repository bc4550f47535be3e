/** Who is asked about a tool that the configuration does not name: decided by what its server says of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, misbehavingServer, startScripted } from '../support/parley.ts';

/** One that only reads, one that only adds, and two of which their server says nothing. */
const calls = asks([{ name: 'add', arguments: { a: 2, b: 3 } }, { name: 'count' }, { name: 'pid' }, { name: 'environment' }]);

test('tools are called, asked about or refused by their annotations, and by name before that', async (t) => {
  const { model, client } = await startScripted(t, {
    mcpServers: { ...demoServer, ...misbehavingServer() },
    config: { chat: { service: { tools: { permission: { 'odd.environment': 'always' }, permission_by_hint: { additive: 'ask', destructive: 'never' } } } } },
  });
  model.script(calls, says('Done.'));
  client.send('chat', { text: 'Do all', conversation_id: 'c1' }, 'r1');
  const { chunk: asked } = await client.waitFor((frame) => frame.chunk?.type === 'approval_request');
  assert.equal(asked?.['name'], 'count');
  await client.ask('respond', { conversation_id: 'c1', interrupt_id: asked?.['interrupt_id'], decision: 'deny' });
  const { frames } = await client.turn('r1');
  assert.deepEqual(
    Object.fromEntries(frames.flatMap(({ chunk }) => (chunk?.type === 'tool_result' ? [[chunk['name'], chunk['status']]] : []))),
    { add: 'ok', count: 'denied', pid: 'denied', environment: 'ok' },
  );
  assert.equal(frames.filter(({ chunk }) => chunk?.type === 'approval_request').length, 1);
});

test('nobody is asked about anything where the configuration says nothing', async (t) => {
  const { model, client } = await startScripted(t, { mcpServers: { ...demoServer, ...misbehavingServer() } });
  model.script(calls, says('Done.'));
  const { frames } = await client.chat('Do all');
  assert.deepEqual(frames.flatMap(({ chunk }) => (chunk?.type === 'tool_result' ? [chunk['status']] : [])), ['ok', 'ok', 'ok', 'ok']);
});
