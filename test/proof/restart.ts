/**
 * Restarts the server after the kill, with a store that is not held. The model and the tools answer at once. The
 * clients reconnect with their cursors and repeat the requests that have no end. Finishes when every turn has ended.
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

/** Delay between two attempts to send a rejected request, and between two looks at the log. */
const RETRY_MS = 20;
const MAX_TRIES = 2000;

/** Returns the server's log output. Rejects when a turn does not end, and says what is known about it. */
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
    // The rows of a removed conversation are deleted in the background, also after a restart.
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
    // Answered after everything that was sent before.
    await sender.sync();
  } finally {
    await server.kill();
    sender.close();
    watcher.close();
  }
  return server.output;

  /** Sends the chat again until it has an end. A retryable error is no end. */
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
        throw new Error(`${turn.requestId} was rejected permanently: ${JSON.stringify(refusal()?.error)}`);
      if (turn.end === null) await pause(RETRY_MS);
    }
  }
}

/** Returns the tools that the path calls in each hop of each turn. A hop that was lost is asked for again. */
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
