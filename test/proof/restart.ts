/**
 * After the kill: the server starts again, with nothing held; the model and the tools answer at once; the clients
 * come back with their cursors and send again what they have no end of. Over when every turn has ended.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Killed } from './driver.ts';
import { startHeldServer } from './held-server.ts';
import { readLog } from './log-on-disk.ts';
import { applyMove } from './apply-move.ts';
import type { SentTurn } from './sender.ts';
import type { Place } from './controlled-model.ts';
import type { Environment } from './environment.ts';
import type { Move, ToolName } from './moves.ts';
import type { World } from './world.ts';

/** Between two tries to send what was refused for now, and between two looks at the log. */
const RETRY_MS = 20;
const MAX_TRIES = 2000;

/** Resolves with what the server wrote to its own log. Rejects when a turn has no end, with what is known of it. */
export async function restartAndFinish(
  moves: readonly Move[],
  { removed }: Pick<Killed, 'removed'>,
  { start, notifier, model, tools, sender, watcher, home, cache }: Environment,
): Promise<string> {
  model.answerByPlan(plannedTools(start, moves));
  tools.releaseAll();
  const server = await startHeldServer({ folder: home.folder, holds: false, cache, notifier });
  try {
    await sender.open(server.url);
    if (!removed && readLog(home.database).rows.length > 0) watcher.open(server.url);
    watcher.approveAll();
    for (const turn of sender.turns.values()) if (turn.end === null && !removed) await finishTurn(turn);
    await pollUntil(
      () => readLog(home.database).open.length === 0,
      () => `turns ${readLog(home.database).open.join(', ')} to end`,
    );
    // What a removed conversation leaves behind is taken away by and by, after a new start too.
    if (removed)
      await pollUntil(
        () => readLog(home.database).rows.length === 0,
        () => 'the rows of the removed conversation to go',
      );
    const { rows } = readLog(home.database);
    if (rows.length > 0 && !watcher.isOpen()) watcher.open(server.url);
    await notifier.waitUntil(
      () => watcher.rows.length >= rows.length,
      () => `row ${watcher.rows.length + 1} of ${rows.length} to be shown`,
    );
    // What was sent before it is there.
    await sender.sync();
  } finally {
    await server.kill();
    sender.close();
    watcher.close();
  }
  return server.output;

  /** Sends it again until it has an end: what is refused for now is no end. */
  async function finishTurn(turn: SentTurn): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES && turn.end === null; tries += 1) {
      const before = sender.frames.length;
      const refusal = () =>
        sender.frames.slice(before).find((frame) => frame.request_id === turn.requestId && frame.status === 'error');
      sender.chatAgain(turn);
      await notifier.waitUntil(
        () => turn.end !== null || refusal() !== undefined,
        () => `the end of ${turn.requestId}`,
      );
      if (turn.end === null && refusal()?.error?.retryable !== true)
        throw new Error(`${turn.requestId} was refused for good: ${JSON.stringify(refusal()?.error)}`);
      if (turn.end === null) await pause(RETRY_MS);
    }
  }
}

/** What the path lets the model ask for in each hop of each turn, so that a hop that was lost is asked for again. */
function plannedTools(start: World, moves: readonly Move[]): (place: Place) => readonly ToolName[] {
  const planned = new Map<string, readonly ToolName[]>();
  let world = start;
  for (const move of moves) {
    const { requestId, hops } = world.conversation?.context.turn ?? {};
    if (move.do === 'ask') planned.set(`${requestId} ${hops}`, move.tools);
    world = applyMove(world, move);
  }
  return ({ turn, hop }) => planned.get(`${turn} ${hop}`) ?? [];
}

async function pollUntil(holds: () => boolean, what: () => string): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > MAX_TRIES) throw new Error(`time ran out while waiting for ${what()}`);
    await pause(RETRY_MS);
  }
}
