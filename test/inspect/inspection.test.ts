/** When inspection is attached to an actor, and when it is gone again; with a small machine in the place of a conversation. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createActor, createMachine } from 'xstate';
import { createDefinitions } from '../../src/inspect/definition.ts';
import { createInspection } from '../../src/inspect/inspection.ts';

const lamp = createMachine({
  id: 'lamp',
  initial: 'off',
  states: { off: { on: { press: 'on' } }, on: { on: { press: 'off' } } },
});
const ref = { owner: 'o', conversationId: 'lamp' };

function scene(t: TestContext, limits: { texts: boolean; maxChars: number } = { texts: false, maxChars: 1000 }) {
  const actor = createActor(lamp, { id: 'lamp' }).start();
  t.after(() => actor.stop());
  const errors: unknown[] = [];
  const inspection = createInspection({
    definitions: createDefinitions(),
    limits,
    bootId: 'b',
    nowMs: () => 0,
    maxConversations: 2,
    maxMessages: 100,
    lingerMs: 1000,
    actorOf: () => actor,
    onError: (error) => errors.push(error),
  });
  const told: { type: string; transitions?: string[] }[] = [];
  const viewer = {
    send: (text: string) => void told.push(JSON.parse(text)),
    isSlow: () => false,
    closeForReconnect: () => undefined,
  };
  return { actor, inspection, told, viewer, errors };
}

test('a conversation is told of until its last viewer has been gone for the linger', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { actor, inspection, told, viewer } = scene(t);
  actor.send({ type: 'press' });
  inspection.watch(ref, viewer);
  actor.send({ type: 'press' });
  assert.deepEqual(
    told.map(({ type }) => type),
    ['@xstate.actor', '@xstate.event', '@xstate.snapshot'],
  );
  assert.deepEqual(told[2]?.transitions, ['on|press|0']);
  inspection.unwatch(ref, viewer);
  t.mock.timers.tick(999);
  assert.equal(inspection.isWatched(ref), true);
  inspection.watch(ref, viewer);
  t.mock.timers.tick(5000);
  assert.equal(inspection.isWatched(ref), true, 'somebody is back');
  inspection.unwatch(ref, viewer);
  t.mock.timers.tick(1000);
  assert.equal(inspection.isWatched(ref), false);
  const before = told.length;
  actor.send({ type: 'press' });
  assert.equal(told.length, before);
});

test('a fault of inspection ends the watch and touches no actor', (t) => {
  const { actor, inspection, viewer, errors } = scene(t);
  inspection.watch(ref, { ...viewer, send: () => undefined });
  const hostile = {
    type: 'press',
    get text() {
      throw new Error('unreadable');
    },
  };
  actor.send(hostile);
  assert.equal(actor.getSnapshot().value, 'on');
  assert.match(String(errors), /unreadable/);
  actor.send({ type: 'press' });
  assert.equal(errors.length, 1);
});
