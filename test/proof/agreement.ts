/**
 * Compares what the real server shows from outside with what the world says. It compares the numbers of appends,
 * requests, calls and reads, every answer, every row, and the state that followers receive.
 */
import type { ServerRuns } from './server-runs.ts';
import type { Environment } from './environment.ts';
import { isReading, type World } from './world.ts';

export interface LastMove {
  /** Number of frames that the sender had received before the move. They are no answers to it. */
  framesBefore: number;
  /** The move released a read. If a commit overtook that read, the server reads again. */
  mayReadAgain: boolean;
}

/** Waits until the server shows what the world says. Rejects after a timeout, or when the server does more. */
export async function waitForAgreement(
  environment: Environment,
  runs: ServerRuns,
  after: World,
  { framesBefore, mayReadAgain }: LastMove,
): Promise<void> {
  const { notifier, model, tools, sender, watcher } = environment;
  const { outside } = after;
  const reads = isReading(after) ? 1 : 0;
  const removals = removalsOf(after);
  const isGone = after.process === 'gone';
  const isAnswered = (requestId: string) =>
    sender.frames
      .slice(framesBefore)
      .some((frame) => frame.request_id === requestId && ['processing', 'result', 'error'].includes(frame.status));
  const difference = () => differenceOf(environment, runs, after);

  await notifier.waitUntil(() => {
    if (mayReadAgain && reads === 0 && runs.waitingReads() > 0) runs.read(true);
    const hasDone =
      runs.appends() >= outside.appends &&
      runs.removals() >= removals &&
      model.places.length >= outside.requests &&
      tools.calls() >= outside.calls;
    return hasDone && runs.waitingReads() >= reads && (isGone ? runs.server().ended : after.answered.every(isAnswered));
  }, difference);
  if (!isGone) {
    // Answered after everything that was sent before.
    await sender.sync();
    if (!watcher.isOpen() && after.log.rows().length > 0 && after.process === 'serving')
      watcher.open(runs.server().url);
    const isShown = () =>
      watcher.rows.length >= after.log.rows().length && (after.shown === null || watcher.state === after.shown);
    if (watcher.isOpen() && !after.deleted) await notifier.waitUntil(isShown, difference);
  }
  const hasDoneNoMore =
    runs.appends() === outside.appends &&
    runs.removals() === removals &&
    model.places.length === outside.requests &&
    tools.calls() === outside.calls;
  if (!hasDoneNoMore) throw new Error(`the server did something else than the chart: ${difference()}`);
}

/** The store reports a removal after everything before it has landed. */
function removalsOf({ outside, held }: World): number {
  return outside.removals + (held[0]?.intent.type === 'remove' ? 1 : 0);
}

/** Lists the differences between the server and the chart. If there are none, an answer is missing. */
function differenceOf({ model, tools, watcher }: Environment, runs: ServerRuns, after: World): string {
  const compared: [what: string, seen: unknown, expected: unknown][] = [
    ['state', watcher.state, after.shown ?? watcher.state],
    ['appends', runs.appends(), after.outside.appends],
    ['log removals', runs.removals(), removalsOf(after)],
    ['model requests', model.places.length, after.outside.requests],
    ['tool calls', tools.calls(), after.outside.calls],
    ['waiting log reads', runs.waitingReads(), isReading(after) ? 1 : 0],
    ['rows', watcher.rows.length, after.log.rows().length],
    ['process', runs.server().ended ? 'gone' : 'there', after.process === 'gone' ? 'gone' : 'there'],
  ];
  const different = compared
    .filter(([, seen, expected]) => seen !== expected)
    .map(([what, seen, expected]) => `${what}: the server ${String(seen)}, the chart ${String(expected)}`);
  return different.length > 0 ? different.join('; ') : `answers to ${after.answered.join(', ')}`;
}
