/**
 * Checks decisions for the rest of a conversation, in the whole server: they hold after restarts, passivation and
 * retention.
 */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Turn } from '../../src/client/turn.ts';
import { check } from '../../src/cli/check.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { nextInterrupt, interruptsOf, toolResultsIn } from '../support/interrupts.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, misbehavingServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { createScriptedTempHome } from '../support/temp-home.ts';
import { connectClient, readAll, startTyped } from '../support/typed-client.ts';

const settings = (more: object = {}) => ({
  mcpServers: demoServer,
  config: { chat: { service: { idle_timeout: 0.05, tools: { permission: { demo: 'ask' } } } }, ...more },
});
const add = { name: 'add', arguments: { a: 2, b: 3 } };
const wantsToAdd = asks([add]);
const inC1 = { conversationId: 'c1' };
const statuses = (chunks: readonly Chunk[]) => toolResultsIn(chunks).map(({ status }) => status);
const kinds = async (turn: Turn) => (await readAll(turn)).map(({ type }) => type).filter((type) => type !== 'text');

/** A conversation whose first call was answered with a remembered decision. */
async function decided(t: TestContext, decision: 'approve' | 'deny', more: object = {}) {
  const { parley, model, client } = await startTyped(t, settings(more));
  model.script(wantsToAdd, says('First.'));
  const turn = client.chat('Add', inC1);
  const { interrupt_id: interruptId } = await nextInterrupt(client);
  assert.deepEqual(await client.respond('c1', { interruptId, decision, remember: true }), { accepted: true });
  await turn.end;
  return { parley, model, client };
}

describe('a remembered decision', () => {
  for (const { decision, chunks, status } of [
    { decision: 'approve', chunks: ['tool_call', 'tool_result'], status: 'ok' },
    { decision: 'deny', chunks: ['tool_result'], status: 'denied' },
  ] as const) {
    test(`to ${decision} holds in the next turn, and after a restart`, async (t) => {
      const { parley, model, client } = await decided(t, decision);
      model.script(wantsToAdd, says('Second.'));
      const second = await readAll(client.chat('Add', inC1));
      assert.deepEqual(
        [second.map(({ type }) => type).filter((type) => type !== 'text'), statuses(second)],
        [chunks, [status]],
      );
      assert.deepEqual(
        second.flatMap((chunk) => ('remembered' in chunk ? [chunk.remembered] : [])),
        [true],
      );
      await parley.restart();
      model.script(wantsToAdd, says('Third.'));
      const third = connectClient(t, parley.url).chat('Add', inC1);
      assert.deepEqual([await kinds(third), await third.text()], [chunks, 'Third.']);
      assert.equal(check(parley.database).exitCode, 0);
    });
  }

  test('applies to the tool as it was: a redefined tool needs approval again', async (t) => {
    const { model, client } = await startTyped(t, {
      mcpServers: misbehavingServer(),
      config: { chat: { service: { tools: { permission: { 'odd.count': 'ask' } } } } },
    });
    const wantsToCount = asks([{ name: 'count' }]);
    model.script(wantsToCount, says('First.'));
    const first = client.chat('Count', inC1);
    const { interrupt_id: interruptId } = await nextInterrupt(client);
    await client.respond('c1', { interruptId, decision: 'approve', remember: true });
    await first.end;
    model.script(wantsToCount, asks([{ name: 'redefine' }]), says('Second.'));
    assert.deepEqual(
      statuses(await readAll(client.chat('Count, then change', inC1))),
      ['ok', 'ok'],
      'no approval was requested',
    );
    await eventually(
      async () => JSON.stringify(await client.tools()).includes('Counts, and pays.'),
      'the new definition',
    );

    model.script(wantsToCount);
    client.chat('Count', inC1);
    assert.partialDeepStrictEqual(await nextInterrupt(client, 2), { name: 'count' });
  });

  test('applies to one tool of one conversation', async (t) => {
    const { model, client } = await decided(t, 'approve');
    model.script(asks([{ name: 'word_count', arguments: { text: 'a b' } }]));
    client.chat('Count', inC1);
    assert.partialDeepStrictEqual(await nextInterrupt(client, 2), { name: 'word_count' });
    model.script(wantsToAdd);
    client.chat('Add', { conversationId: 'c2' });
    assert.equal((await nextInterrupt(client, 3)).conversationId, 'c2');
  });

  test('does not apply to a fork, or to a new conversation of the same name', async (t) => {
    const { model, client } = await decided(t, 'approve');
    const { head_seq: head } = await client.history('c1');
    const { conversation_id: forked } = await client.fork('c1', head);
    model.script(wantsToAdd);
    client.chat('Add', { conversationId: forked });
    assert.equal((await nextInterrupt(client, 2)).conversationId, forked);
    await client.delete('c1');
    model.script(wantsToAdd);
    client.chat('Add', inC1);
    assert.equal((await nextInterrupt(client, 3)).conversationId, 'c1');
  });

  test('outlives the retention of its rows', async (t) => {
    const { parley, model, client } = await decided(t, 'approve', {
      repository: { persistence: { retention_policy: 'message_count', max_messages_per_conversation: 2 } },
    });
    await client.chat('Hi', inC1).end;
    await client.chat('Hi again', inC1).end;
    const { oldest_seq: oldest } = await client.history('c1');
    assert.ok(oldest > 10);
    await parley.restart();
    model.script(wantsToAdd, says('Still.'));
    assert.deepEqual(await kinds(connectClient(t, parley.url).chat('Add', inC1)), ['tool_call', 'tool_result']);
  });

  test('holds after kill -9 as soon as it was acknowledged', async (t) => {
    const { model, home } = await createScriptedTempHome(t, settings());
    model.script(wantsToAdd);
    const first = home.start();
    const client = connectClient(t, await first.listening);
    client.chat('Add', { ...inC1, requestId: 'r1' });
    const { interrupt_id: interruptId } = await nextInterrupt(client);
    await client.respond('c1', { interruptId, decision: 'approve', remember: true });
    first.kill('SIGKILL');
    await first.exited;
    const back = connectClient(t, await home.start().listening);
    await back.chat('Add', { ...inC1, requestId: 'r1' }).end;
    model.script(wantsToAdd, says('Again.'));
    const next = back.chat('Add again', inC1);
    assert.deepEqual([await kinds(next), await next.text()], [['tool_call', 'tool_result'], 'Again.']);
  });
});

test('a remembered answer to one of several requests for a tool answers all of them, and other clients are notified', async (t) => {
  const { parley, model, client } = await startTyped(t, settings());
  model.script(asks([add, { name: 'word_count', arguments: { text: 'a b' } }, add]), says('Done.'));
  const turn = client.chat('Add twice', inC1);
  await nextInterrupt(client, 3);
  const [first = '', other = '', last = ''] = interruptsOf(client).map((asked) => asked.interrupt_id);
  const another = connectClient(t, parley.url);
  assert.deepEqual(
    await another.respond('c1', { interruptId: last, decision: 'deny', remember: true, reason: 'No sums.' }),
    { accepted: true },
  );
  assert.deepEqual(await another.respond('c1', { interruptId: first, decision: 'approve' }), {
    already: { decision: 'deny' },
  });
  assert.deepEqual(await another.respond('c1', { interruptId: other, decision: 'approve' }), { accepted: true });
  assert.deepEqual(statuses(await readAll(turn)), ['denied', 'denied', 'ok']);
  const modelText = model.requests[1]?.body.messages.slice(-3).map(({ content }) => String(content)) ?? [];
  assert.deepEqual(
    modelText.map((text) => text.includes('No sums.')),
    [true, false, true],
  );
  assert.equal(check(parley.database).exitCode, 0);
});
