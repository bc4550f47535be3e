/** Checks the permission of tools that the configuration does not name: it follows from their annotations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextInterrupt, interruptsOf, toolResultsIn } from '../support/interrupts.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, misbehavingServer } from '../support/parley.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

/** A tool that only reads, one that only adds, and two without annotations. */
const calls = asks([
  { name: 'add', arguments: { a: 2, b: 3 } },
  { name: 'count' },
  { name: 'pid' },
  { name: 'environment' },
]);

test('a tool runs, needs approval or is refused by its annotations, and a configured name takes precedence', async (t) => {
  const { model, client } = await startTyped(t, {
    mcpServers: { ...demoServer, ...misbehavingServer() },
    config: {
      chat: {
        service: {
          tools: {
            permission: { 'odd.environment': 'always' },
            permission_by_hint: { additive: 'ask', destructive: 'never' },
          },
        },
      },
    },
  });
  model.script(calls, says('Done.'));
  const turn = client.chat('Do all', { conversationId: 'c1' });
  const asked = await nextInterrupt(client);
  assert.equal(asked.type === 'approval_request' && asked.name, 'count');
  await client.respond('c1', { interruptId: asked.interrupt_id, decision: 'deny' });
  const results = toolResultsIn(await readAll(turn));
  assert.deepEqual(Object.fromEntries(results.map(({ name, status }) => [name, status])), {
    add: 'ok',
    count: 'denied',
    pid: 'denied',
    environment: 'ok',
  });
  assert.equal(interruptsOf(client).length, 1);
});

test('a tool needs no approval if the configuration says nothing', async (t) => {
  const { model, client } = await startTyped(t, { mcpServers: { ...demoServer, ...misbehavingServer() } });
  model.script(calls, says('Done.'));
  const results = toolResultsIn(await readAll(client.chat('Do all')));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['ok', 'ok', 'ok', 'ok'],
  );
});
