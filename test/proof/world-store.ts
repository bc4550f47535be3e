/**
 * Decides the fate of the oldest operations that the store of a world holds, and notifies the chart. Changes the world
 * that it is given.
 */
import type { CommitTag, ConversationEvent } from '../../machines/conversation/events.ts';
import { createMemoryLog } from '../support/machine-log.ts';
import { brokenDisk } from '../support/machine-values.ts';
import type { World } from './world.ts';

/** Finishes the oldest operations in one tick: all are decided before the chart is notified. */
export function finish(
  world: World,
  send: (event: ConversationEvent) => void,
  fates: readonly ('lands' | 'fails')[],
): void {
  const notices = fates.flatMap((fate) => {
    const [oldest, ...rest] = world.held;
    if (!oldest) return [];
    world.held = rest;
    const event = fate === 'lands' ? land(world, oldest.intent) : refuse(world, oldest.intent);
    return [{ event, activation: oldest.activation }];
  });
  // An actor that has ended gets no notification, and neither does its successor.
  for (const { event, activation } of notices)
    if (activation === world.activation && world.conversation !== null) send(event);
}

type Intent = World['held'][number]['intent'];

function land(world: World, intent: Intent): ConversationEvent {
  if (intent.type === 'remove') {
    world.log = createMemoryLog();
    world.outside.removals += 1;
    world.deleted = true;
    return { type: 'log.removed' };
  }
  // The world before keeps its own log.
  world.log = world.log.past(world.log.stored().length);
  return { type: 'log.committed', tag: intent.tag, outcome: world.log.append(intent) };
}

function refuse(world: World, intent: Intent): ConversationEvent {
  if (intent.type === 'remove') world.outside.removals += 1;
  const tag: CommitTag = intent.type === 'remove' ? { of: 'removal' } : intent.tag;
  return { type: 'log.failed', tag, fault: brokenDisk };
}
