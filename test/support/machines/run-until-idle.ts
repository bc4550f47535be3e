/**
 * Runs a world from any state until the conversation is idle: commits, answers and advances the clock. What is
 * unanswered by then stays unanswered.
 */
import { promisesSettled } from './conversation.ts';
import type { World } from './conversation.ts';
import { respond } from './values.ts';

/** No path through the chart from one event to idle is longer. */
const MAX_STEPS = 500;

export async function runUntilIdle(world: World): Promise<void> {
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    if (world.ends.length > 0) return;
    if (world.pending.length > 0) world.commit();
    else if (world.state() === 'idle') return;
    else await step(world);
  }
  throw new Error(`no rest: ${world.state()}`);
}

/** Approves the first call that waits, as a client that has no other request. */
function approve(world: World): void {
  const question = world.context().turn?.calls.find(({ stage }) => stage === 'asking');
  if (question)
    world.send(respond(question.callId, 'approve', { by: { session: 'another client', requestId: question.callId } }));
}

async function step(world: World): Promise<void> {
  const answer = world.answers.find(({ open }) => open);
  const call = world.calls.find(({ open }) => open);
  if (answer) answer.finish(answer.aborted ? { finishReason: 'cancelled', text: 'Hel' } : {});
  else if (call) call.end(call.aborted ? { status: 'cancelled' } : {});
  else if (world.state() === 'turn.toolHop.waiting') approve(world);
  else if (world.state() === 'activating') await world.readLog();
  else if (world.state() === 'turn.queued') world.grant();
  else if (world.state() === 'turn.loadingContext') await world.loadContext();
  else if (world.state() === 'turn.backingOff') world.clock.increment(60_000);
  else await promisesSettled();
}
