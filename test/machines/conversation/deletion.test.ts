/** Checks the deletion of a conversation from every state, in order with pending commits. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { livingStates, worldInState } from '../../support/machines/states.ts';
import { asker, brokenDisk, chat, remove } from '../../support/machines/values.ts';

const said = (world: World) =>
  world.emitted.flatMap((event) =>
    event.type === 'reply' || event.type === 'refuse'
      ? [[event.to.requestId, event.type === 'reply' ? event.result : event.fault.code]]
      : [],
  );

describe('a deletion', () => {
  for (const state of livingStates) {
    test(`in ${state} stops all work, leaves no row, and notifies followers before it replies`, async () => {
      const world = await worldInState(state);
      world.newEvents();
      world.send(remove('gone'));
      assert.equal(world.state(), 'deleting');
      await runUntilIdle(world);
      assert.equal(world.state(), 'deleted');
      assert.deepEqual(world.ends, ['ended']);
      assert.ok([...world.answers, ...world.calls].every(({ open }) => !open));
      assert.deepEqual(world.log.rows(), []);
      const events = world
        .newEvents()
        .map(({ type }) => type)
        .filter((type) => type === 'deleted' || type === 'reply');
      assert.deepEqual(events.slice(0, 2), ['deleted', 'reply']);
      assert.deepEqual(world.emitted.filter(({ type }) => type === 'remove').length, 1);
    });
  }

  test('appends nothing more, and asks waiting senders to begin a new conversation', async () => {
    const world = await worldInState('turn.receiving');
    world.send(remove('gone'));
    world.send(chat('r2'));
    world.newEvents();
    world.commitAll();
    assert.ok(world.newEvents().every(({ type }) => type !== 'append' && type !== 'turn.accepted'));
    assert.deepEqual(said(world), [
      ['gone', {}],
      ['r1', 'conversation_deleted'],
      ['r2', 'conversation_deleted'],
    ]);
  });

  test('that is requested twice runs once and gets two replies', async () => {
    const world = await worldInState('idle');
    world.send(remove('one'));
    world.send(remove('two'));
    await runUntilIdle(world);
    assert.deepEqual(said(world), [
      ['one', {}],
      ['two', {}],
    ]);
    assert.equal(world.emitted.filter(({ type }) => type === 'deleted').length, 1);
  });

  test('that the store refuses replies with the error, and the conversation reopens unchanged', async () => {
    const world = await worldInState('turn.streaming');
    world.send(remove('gone'));
    world.failCommit();
    assert.equal(world.state(), 'failed');
    assert.deepEqual(world.emitted.at(-1), { type: 'failed', fault: brokenDisk });
    assert.deepEqual(said(world).at(0), [asker('gone').requestId, 'storage_failed']);
    const again = await startWorld({ log: world.log, recovered: world.log.recovered() });
    await runUntilIdle(again);
    assert.equal(again.state(), 'idle');
    assert.ok(again.log.rows().length > 0);
  });

  test('waits for the removal even if other steps fail meanwhile', async () => {
    const world = await worldInState('turn.persisting');
    world.send(remove('gone'));
    world.failCommit();
    assert.equal(world.state(), 'deleting');
    world.commit();
    assert.equal(world.state(), 'deleted');
  });
});
