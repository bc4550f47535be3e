/** Checks when inspection attaches to an actor and detaches, with a small machine instead of a conversation. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createActor, createMachine } from 'xstate';
import { createDefinitions } from '../../src/inspect/stately-format.ts';
import { createInspection } from '../../src/inspect/live/inspection.ts';

const lamp = createMachine({
  id: 'lamp',
  initial: 'off',
  states: { off: { on: { press: 'on' } }, on: { on: { press: 'off' } } },
});
const ref = { owner: 'o', conversationId: 'lamp' };

function scene(
  t: TestContext,
  limits: { includeContent: boolean; maxChars: number } = { includeContent: false, maxChars: 1000 },
) {
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
    keepAfterLastViewerMs: 1000,
    actorOf: () => actor,
    onError: (error) => errors.push(error),
  });
  const received: { type: string; transitions?: string[] }[] = [];
  const viewer = {
    send: (text: string) => void received.push(JSON.parse(text)),
    isSlow: () => false,
    askToReturn: () => undefined,
  };
  return { actor, inspection, received, viewer, errors };
}

test("inspection keeps a conversation's feed for a while after its last viewer", (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { actor, inspection, received, viewer } = scene(t);
  actor.send({ type: 'press' });
  inspection.watch(ref, viewer);
  actor.send({ type: 'press' });
  assert.deepEqual(
    received.map(({ type }) => type),
    ['@xstate.actor', '@xstate.event', '@xstate.snapshot'],
  );
  assert.deepEqual(received[2]?.transitions, ['on|press|0']);
  inspection.unwatch(ref, viewer);
  t.mock.timers.tick(999);
  assert.equal(inspection.isWatched(ref), true);
  inspection.watch(ref, viewer);
  t.mock.timers.tick(5000);
  assert.equal(inspection.isWatched(ref), true, 'a viewer is back');
  inspection.unwatch(ref, viewer);
  t.mock.timers.tick(1000);
  assert.equal(inspection.isWatched(ref), false);
  const before = received.length;
  actor.send({ type: 'press' });
  assert.equal(received.length, before);
});

test('inspection detaches after an error of its own and does not affect the actor', (t) => {
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
