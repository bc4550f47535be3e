/**
 * Brings the conversation chart into any of its non-final states by events alone. On the way `r1` becomes the running
 * turn and, once it runs, `r2` is queued behind it.
 */
import assert from 'node:assert/strict';
import { getStateNodes } from 'xstate/graph';
import { conversationMachine } from '../../../machines/conversation/machine.ts';
import type { HopContext } from '../../../machines/conversation/turn-state.ts';
import { startWorld } from './conversation.ts';
import type { World, WorldOptions } from './conversation.ts';
import { asked, cancel, chat, remove } from './values.ts';

async function running(world: World) {
  world.send(chat('r1'));
  world.commit();
  world.send(chat('r2'));
  world.commit();
}

export async function streaming(world: World, context: Partial<HopContext> = {}) {
  await running(world);
  await world.loadContext(context);
}

export async function calling(world: World) {
  await streaming(world);
  world.currentAnswer().finish({ calls: [asked('add')] });
  world.commit();
}

/** The approval is for the call `call_d`. */
export async function asking(world: World) {
  await streaming(world);
  world.currentAnswer().finish({ calls: [asked('delete', { callId: 'call_d', arguments: { path: '/a' } })] });
  world.commit();
}

/** The log that a crash in the middle of a tool call leaves. */
export async function crashed(): Promise<WorldOptions> {
  const world = await startWorld();
  await calling(world);
  return { log: world.log, recovered: world.log.recovered() };
}

interface Route {
  options?(): Promise<WorldOptions>;
  walk(world: World): Promise<void> | void;
}

/** Routes by path of the state; a test checks that none is missing. */
export const routes: Readonly<Record<string, Route>> = {
  activating: { options: async () => ({ recovered: 'never' }), walk: () => undefined },
  recovering: { options: crashed, walk: () => undefined },
  idle: { walk: () => undefined },
  deleting: {
    async walk(world) {
      await calling(world);
      world.send(remove('gone'));
    },
  },
  'turn.receiving': { walk: (world) => world.send(chat('r1')) },
  'turn.queued': { options: async () => ({ withoutPermit: true }), walk: running },
  'turn.loadingContext': { walk: running },
  'turn.streaming': { walk: streaming },
  'turn.backingOff': {
    async walk(world) {
      await streaming(world);
      world.currentAnswer().fail();
    },
  },
  'turn.askingAgain': {
    async walk(world) {
      await streaming(world);
      world.currentAnswer().finish({ text: '' });
    },
  },
  'turn.toolHop.recording': {
    async walk(world) {
      await streaming(world);
      world.currentAnswer().finish({ calls: [asked('add')] });
    },
  },
  'turn.toolHop.running': { walk: calling },
  'turn.toolHop.waiting': { walk: asking },
  'turn.toolHop.settling': {
    async walk(world) {
      await calling(world);
      world.latestCall('add').end();
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
  'turn.timingOut': {
    async walk(world) {
      await calling(world);
      world.clock.increment(world.context().limits.maxTurnMs);
    },
  },
  'turn.persisting': {
    async walk(world) {
      await streaming(world);
      world.currentAnswer().finish();
    },
  },
};

/** All states but the final ones, by path. */
export const livingStates = getStateNodes(conversationMachine.root)
  .filter((node) => node.type === 'atomic')
  .map((node) => node.path.join('.'));

export async function worldInState(state: string): Promise<World> {
  const way = routes[state];
  assert.ok(way, `no way to ${state} is known here`);
  const world = await startWorld(await way.options?.());
  await way.walk(world);
  assert.equal(world.state(), state);
  return world;
}
