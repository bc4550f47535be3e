/**
 * The store of a world: what becomes of the oldest things that it holds, and who is told of it. Changes the world
 * that it is given.
 */
import type { CommitTag, ConversationEvent } from '../../machines/conversation/events.ts';
import { createMemoryLog } from '../support/machines/log.ts';
import { brokenDisk } from '../support/machines/values.ts';
import type { World } from './world.ts';

/** Finishes the oldest in one tick: all of it is decided before anybody is told. */
export function finish(
  world: World,
  hear: (event: ConversationEvent) => void,
  fates: readonly ('lands' | 'fails')[],
): void {
  const news = fates.flatMap((fate) => {
    const [oldest, ...rest] = world.held;
    if (!oldest) return [];
    world.held = rest;
    const event = fate === 'lands' ? land(world, oldest.intent) : refuse(world, oldest.intent);
    return [{ event, life: oldest.life }];
  });
  // An actor that has ended is told nothing, and its successor not in its place.
  for (const { event, life } of news) if (life === world.life && world.conversation !== null) hear(event);
}

type Intent = World['held'][number]['intent'];

function land(world: World, intent: Intent): ConversationEvent {
  if (intent.type === 'remove') {
    world.log = createMemoryLog();
    world.outside.removals += 1;
    world.deleted = true;
    return { type: 'log.removed' };
  }
  // The world before keeps its log as it is.
  world.log = world.log.prefix(world.log.stored().length);
  return { type: 'log.committed', tag: intent.tag, outcome: world.log.append(intent) };
}

function refuse(world: World, intent: Intent): ConversationEvent {
  if (intent.type === 'remove') world.outside.removals += 1;
  const tag: CommitTag = intent.type === 'remove' ? { of: 'removal' } : intent.tag;
  return { type: 'log.failed', tag, fault: brokenDisk };
}
