/**
 * Whether the real server shows from outside what the world says: so many appends, requests, calls and reads, every
 * answer, every row, and the state that it tells its followers.
 */
import type { ServerLives } from './server-runs.ts';
import type { Stage } from './environment.ts';
import { isReading, type World } from './world.ts';

export interface LastMove {
  /** Frames that the sender had got before it: no answers to it. */
  framesBefore: number;
  /** It let a read go on, which a commit may have overtaken: the server then reads again. */
  mayReadAgain: boolean;
}

/** Resolves when it does; rejects when it takes too long, or does more. */
export async function agree(
  stage: Stage,
  lives: ServerLives,
  after: World,
  { framesBefore, mayReadAgain }: LastMove,
): Promise<void> {
  const { bell, model, tools, sender, watcher } = stage;
  const { outside } = after;
  const reads = isReading(after) ? 1 : 0;
  const removals = removalsOf(after);
  const isGone = after.process === 'gone';
  const isAnswered = (requestId: string) =>
    sender.frames
      .slice(framesBefore)
      .some((frame) => frame.request_id === requestId && ['processing', 'result', 'error'].includes(frame.status));
  const difference = () => differenceOf(stage, lives, after);

  await bell.until(() => {
    if (mayReadAgain && reads === 0 && lives.waitingReads() > 0) lives.read(true);
    const hasDone =
      lives.appends() >= outside.appends &&
      lives.removals() >= removals &&
      model.places.length >= outside.requests &&
      tools.calls() >= outside.calls;
    return (
      hasDone && lives.waitingReads() >= reads && (isGone ? lives.server().ended : after.answered.every(isAnswered))
    );
  }, difference);
  if (!isGone) {
    // Whatever was sent before has been taken in with the answer to this.
    await sender.heard();
    if (!watcher.isOpen() && after.log.rows().length > 0 && after.process === 'serving')
      watcher.open(lives.server().url);
    const isShown = () =>
      watcher.rows.length >= after.log.rows().length && (after.shown === null || watcher.state === after.shown);
    if (watcher.isOpen() && !after.deleted) await bell.until(isShown, difference);
  }
  const hasDoneNoMore =
    lives.appends() === outside.appends &&
    lives.removals() === removals &&
    model.places.length === outside.requests &&
    tools.calls() === outside.calls;
  if (!hasDoneNoMore) throw new Error(`the server did something else than the chart: ${difference()}`);
}

/** A removal is told of when everything before it has landed. */
function removalsOf({ outside, held }: World): number {
  return outside.removals + (held[0]?.intent.type === 'remove' ? 1 : 0);
}

/** What was seen where it is not what should have been; where all is, an answer is missing. */
function differenceOf({ model, tools, watcher }: Stage, lives: ServerLives, after: World): string {
  const compared: [what: string, seen: unknown, meant: unknown][] = [
    ['state', watcher.state, after.shown ?? watcher.state],
    ['appends', lives.appends(), after.outside.appends],
    ['removals of the log', lives.removals(), removalsOf(after)],
    ['requests to the model', model.places.length, after.outside.requests],
    ['calls of tools', tools.calls(), after.outside.calls],
    ['reads of the log that wait', lives.waitingReads(), isReading(after) ? 1 : 0],
    ['rows', watcher.rows.length, after.log.rows().length],
    ['process', lives.server().ended ? 'gone' : 'there', after.process === 'gone' ? 'gone' : 'there'],
  ];
  const different = compared
    .filter(([, seen, meant]) => seen !== meant)
    .map(([what, seen, meant]) => `${what}: ${String(seen)}, by the chart ${String(meant)}`);
  return different.length > 0 ? different.join('; ') : `answers to ${after.answered.join(', ')}`;
}
