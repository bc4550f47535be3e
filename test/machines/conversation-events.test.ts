/** No state of the conversation answers a client with silence: every pair of state and client event is walked. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { getStateNodes } from 'xstate/graph';
import { conversationMachine } from '../../machines/conversation.ts';
import type { ClientEvent, ConversationEmitted } from '../../machines/conversation-terms.ts';
import { startWorld } from '../support/machine-conversation.ts';
import type { World, WorldOptions } from '../support/machine-conversation.ts';
import { bringToRest } from '../support/machine-rest.ts';
import { asked, cancel, chat } from '../support/machine-values.ts';

const nodes = getStateNodes(conversationMachine.root);
const living = nodes.filter((node) => node.type === 'atomic').map((node) => node.path.join('.'));

/** From idle: `r1` runs, `r2` is queued. */
async function running(world: World) {
  world.send(chat('r1'));
  world.commit();
  world.send(chat('r2'));
  world.commit();
}

async function streaming(world: World) {
  await running(world);
  await world.loadContext();
}

async function calling(world: World) {
  await streaming(world);
  world.answering().finish({ calls: [asked('add')] });
  world.commit();
}

interface Way {
  options?: WorldOptions;
  walk(world: World): Promise<void> | void;
}

const ways: Record<string, Way> = {
  activating: { options: { standing: 'never' }, walk: () => undefined },
  recovering: {
    options: {
      standing: {
        interrupted: { requestId: 'r1', hops: 0, usage: null, model: null, recoveries: 0, stop: null, open: [] },
        stopped: [],
        queue: [{ requestId: 'r2', hops: 0, usage: null, announced: true }],
      },
    },
    walk: () => undefined,
  },
  idle: { walk: () => undefined },
  'turn.receiving': { walk: (world) => world.send(chat('r1')) },
  'turn.loadingContext': { walk: running },
  'turn.streaming': { walk: streaming },
  'turn.backingOff': {
    async walk(world) {
      await streaming(world);
      world.answering().fail();
    },
  },
  'turn.toolHop.recording': {
    async walk(world) {
      await streaming(world);
      world.answering().finish({ calls: [asked('add')] });
    },
  },
  'turn.toolHop.running': { walk: calling },
  'turn.toolHop.settling': {
    async walk(world) {
      await calling(world);
      world.calling('add').end();
    },
  },
  'turn.cancelling.recording': {
    async walk(world) {
      await calling(world);
      world.send(cancel('stop-1'));
    },
  },
  'turn.cancelling.stopping': {
    async walk(world) {
      await calling(world);
      world.send(cancel('stop-1'));
      world.commit();
    },
  },
  'turn.persisting': {
    async walk(world) {
      await streaming(world);
      world.answering().finish();
    },
  },
};

const events: Record<string, ClientEvent> = {
  'a chat': chat('new'),
  'a chat that would rather be refused': chat('new', { mode: 'reject' }),
  'an interrupting chat': chat('new', { mode: 'interrupt' }),
  'the same chat again': chat('r1'),
  'a Stop': cancel('new'),
  'a Stop of the running turn': cancel('new', 'r1'),
  'a Stop of the queued turn': cancel('new', 'r2'),
  'a Stop of an unknown turn': cancel('new', 'nobody'),
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
};

const answersTo = (requestId: string, said: readonly ConversationEmitted[]) =>
  said.filter((event) => {
    if (event.type === 'turn.accepted' || event.type === 'turn.attached') return event.chat.requestId === requestId;
    return (event.type === 'reply' || event.type === 'refuse') && event.to.requestId === requestId;
  });

async function worldIn(state: string): Promise<World> {
  const way = ways[state];
  assert.ok(way, `no way to ${state} is known here`);
  const world = await startWorld(way.options);
  await way.walk(world);
  assert.equal(world.state(), state);
  return world;
}

test('every living state has a way to it, and no way leads to a state that is gone', () => {
  assert.deepEqual(Object.keys(ways).sort(), living.sort());
});

for (const state of living) {
  describe(state, () => {
    for (const [when, happen] of Object.entries(aftermaths)) {
      test(`answers every client event once, ${when}`, async () => {
        for (const [what, event] of Object.entries(events)) {
          const world = await worldIn(state);
          world.news();
          world.send(event);
          const requestId = event.type === 'client.chat' ? event.requestId : 'new';
          const heardAtOnce = world.news().length > 0 || world.context().deferred.length > 0 || world.context().turn?.stop?.askers.length;
          assert.ok(heardAtOnce, `${what} vanished`);
          const before = world.emitted.length - world.news().length;
          happen(world);
          await bringToRest(world);
          const answers = answersTo(requestId, requestId === 'r1' ? world.emitted.slice(before) : world.emitted);
          assert.equal(answers.length, 1, `${what}: ${JSON.stringify(answers)}`);
        }
      });
    }

    test('lets every turn that it accepted come to its end', async () => {
      for (const event of Object.values(events)) {
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
  assert.equal(invoking.length, 2);
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
