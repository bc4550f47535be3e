/**
 * The kindest of worlds: from any state on, commits what waits, answers what is asked and lets time
 * pass, until the conversation rests. What has not been answered by then never will be.
 */
import { heard } from './machine-conversation.ts';
import type { World } from './machine-conversation.ts';
import { respond } from './machine-values.ts';

/** No path through the chart from one event to rest is longer. */
const MOST_STEPS = 500;

export async function bringToRest(world: World): Promise<void> {
  for (let step = 0; step < MOST_STEPS; step += 1) {
    if (world.ends.length > 0) return;
    if (world.waiting.length > 0) world.commit();
    else if (world.state() === 'idle') return;
    else await move(world);
  }
  throw new Error(`no rest: ${world.state()}`);
}

/** As somebody would who has asked nothing yet. */
function approve(world: World): void {
  const question = world.context().turn?.calls.find(({ stage }) => stage === 'asking');
  if (question)
    world.send(respond(question.callId, 'approve', { by: { session: 'a kind person', requestId: question.callId } }));
}

async function move(world: World): Promise<void> {
  const answer = world.answers.find(({ open }) => open);
  const call = world.calls.find(({ open }) => open);
  if (answer) answer.finish(answer.stopped ? { finishReason: 'cancelled', text: 'Hel' } : {});
  else if (call) call.end(call.aborted ? { status: 'cancelled' } : {});
  else if (world.state() === 'turn.toolHop.waiting') approve(world);
  else if (world.state() === 'activating') await world.readLog();
  else if (world.state() === 'turn.queued') world.grant();
  else if (world.state() === 'turn.loadingContext') await world.loadContext();
  else if (world.state() === 'turn.backingOff') world.clock.increment(60_000);
  else await heard();
}
