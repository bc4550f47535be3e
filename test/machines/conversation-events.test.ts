/** No state of the conversation answers a client with silence: every pair of state and client event is walked. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { getStateNodes } from 'xstate/graph';
import { conversationMachine } from '../../machines/conversation/machine.ts';
import type { ClientEvent } from '../../machines/conversation/client-events.ts';
import type { ConversationEmitted } from '../../machines/conversation/events.ts';
import type { World } from '../support/machine-conversation.ts';
import { bringToRest } from '../support/machine-rest.ts';
import { livingStates, ways, worldIn } from '../support/machine-states.ts';
import { chat, respond } from '../support/machine-values.ts';

const nodes = getStateNodes(conversationMachine.root);

/** Whoever sends these has said nothing before, so that all it hears is the answer. */
const session = 'newcomer';
const stop = (target: string | null): ClientEvent => ({
  type: 'client.cancel',
  by: { session, requestId: 'stop' },
  target,
});
const events: Record<string, ClientEvent> = {
  'a chat': chat('new', { session }),
  'a chat that would rather be refused': chat('new', { session, mode: 'reject' }),
  'an interrupting chat': chat('new', { session, mode: 'interrupt' }),
  'the same chat again': chat('r1', { session }),
  'a Stop': stop(null),
  'a Stop of the running turn': stop('r1'),
  'a Stop of the queued turn': stop('r2'),
  'a Stop of an unknown turn': stop('nobody'),
  'an approval': respond('call_d', 'approve', { by: { session, requestId: 'yes' } }),
  'an approval for good, with changed arguments': respond('call_d', 'approve', {
    by: { session, requestId: 'always' },
    arguments: {},
    remember: true,
  }),
  'a denial': respond('call_d', 'deny', { by: { session, requestId: 'no' } }),
  'a deletion': { type: 'client.delete', by: { session, requestId: 'delete' } },
  'an answer to what nobody asked': respond('call_x', 'approve', { by: { session, requestId: 'what' } }),
};

/** What may happen before the event is answered. */
const aftermaths: Record<string, (world: World) => void> = {
  'in a kind world': () => undefined,
  'when the conversation drains': (world) => world.send({ type: 'conversation.drain' }),
  'when the conversation is halted': (world) => world.send({ type: 'conversation.halt' }),
  'when the next commit fails': (world) => world.waiting.length > 0 && world.failCommit(),
  'when all commits fail': (world) => {
    while (world.waiting.length > 0) world.failCommit();
  },
  'when a sweep comes by': (world) => world.send({ type: 'conversation.passivate' }),
  'when time to answer is up': (world) => world.send({ type: 'conversation.expire', nowMs: Number.MAX_SAFE_INTEGER }),
};

const isAnswer = (event: ConversationEmitted) => {
  if (event.type === 'turn.accepted' || event.type === 'turn.attached') return event.chat.session === session;
  return (
    (event.type === 'reply' || event.type === 'refuse' || event.type === 'respond.late') && event.to.session === session
  );
};

test('every living state has a way to it, and no way leads to a state that is gone', () => {
  assert.deepEqual(Object.keys(ways).toSorted(), livingStates.toSorted());
});

for (const state of livingStates) {
  describe(state, () => {
    for (const [when, happen] of Object.entries(aftermaths)) {
      test(`answers every client event once, ${when}`, async () => {
        for (const [what, event] of Object.entries(events)) {
          const world = await worldIn(state);
          world.news();
          world.send(event);
          const noted = [
            ...world.context().deferred,
            ...(world.context().turn?.stop?.requesters ?? []),
            ...world.context().deleters,
          ];
          assert.ok(world.news().length + noted.length > 0, `${what} vanished`);
          happen(world);
          await bringToRest(world);
          const answers = world.emitted.filter(isAnswer);
          assert.equal(answers.length, 1, `${what}: ${JSON.stringify(answers)}`);
        }
      });
    }

    test('says what it takes', async () => {
      const { tags } = (await worldIn(state)).actor.getSnapshot();
      // That a person is asked is told of the calls: it may be so in several states.
      assert.deepEqual(
        [...tags].toSorted(),
        state === 'deleting' ? [] : state === 'idle' ? ['chat'] : ['cancel', 'chat'],
      );
    });

    test('lets every turn that it accepted come to its end', async () => {
      for (const event of Object.values(events)) {
        if (state === 'deleting' || event.type === 'client.delete') continue;
        const world = await worldIn(state);
        world.send(event);
        await bringToRest(world);
        const begun = world.log.stored().flatMap(({ begin }) => (begin ? [begin.requestId] : []));
        const ended = world.log.stored().flatMap(({ end }) => (end ? [end.requestId] : []));
        assert.deepEqual(ended.toSorted(), begun.toSorted());
        assert.equal(world.state(), 'idle');
      }
    });
  });
}

test('the chart knows what follows when one of its actors ends or fails', () => {
  const invoking = nodes.filter((node) => node.invoke.length > 0);
  assert.equal(invoking.length, 3);
  for (const node of invoking) {
    for (const { id } of node.invoke) {
      assert.ok(node.ownEvents.includes(`xstate.done.actor.${id}`), `${id} may end`);
      assert.ok(node.ownEvents.includes(`xstate.error.actor.${id}`), `${id} may fail`);
    }
  }
});

test('no state takes events that it does not name', () => {
  for (const node of [conversationMachine.root, ...nodes]) assert.ok(!node.ownEvents.includes('*'));
});
