/**
 * A flow of one's own tools: what happens, in the words of the model, and what the calls are given. Made by the chart
 * (derive-flows.ts) or by its user (written-flow.ts). Between two of its moves everything that needs nobody happens by itself.
 */
import type { LogRow } from '../../../machines/log.ts';
import { applyMove } from '../../proof/apply-move.ts';
import type { Stimulus } from '../../proof/moves.ts';
import { isReading, startWith, type Settings, type World } from '../../proof/world.ts';
import { flowName } from '../flow-name.ts';
import type { WrittenFlow } from './flows-file.ts';

export interface CustomFlow {
  name: string;
  prompt: string;
  moves: readonly Stimulus[];
  /** Of the calls of each `ask` among the moves. */
  arguments: readonly (readonly Record<string, unknown>[])[];
  /** What the model says at the last. */
  says: string;
  expect: WrittenFlow['expect'];
  /** By its user, and not by the chart. */
  isWritten: boolean;
}

export const begin = (settings: Settings): World => startWith(settings);

/** The world after a move and all that follows from it without anybody's doing. */
export function step(before: World, move: Stimulus): World {
  return worldsOf(before, move).at(-1) ?? before;
}

/** The states of the conversation's chart that it is in between these moves, or takes a transition in. */
export function statesPassed(moves: readonly Stimulus[], settings: Settings): Set<string> {
  const worlds = moves.reduce(
    (all, move) => [...all, ...worldsOf(all.at(-1) ?? begin(settings), move)],
    [begin(settings)],
  );
  return new Set(
    worlds.flatMap(({ taken }) => taken).flatMap((edge) => /^conversation\.(.*?): /.exec(edge)?.[1] ?? []),
  );
}

function worldsOf(before: World, move: Stimulus): World[] {
  const worlds = [applyMove(before, move)];
  for (let world = worlds[0] ?? before; world.held.length > 0 || isReading(world); worlds.push(world)) {
    world = applyMove(world, world.held.length > 0 ? { do: 'commit', together: false } : { do: 'read', works: true });
  }
  return worlds;
}

/** Whether it takes somebody who is late: a tool, or a person. */
export function needsShortTimeouts({ moves }: Pick<CustomFlow, 'moves'>): boolean {
  return moves.some((move) => move.do === 'expire' || (move.do === 'call' && move.ends === 'late'));
}

/** The moves in words, repetitions told once. */
export function describeCustomFlow(moves: readonly Stimulus[], settings: Settings): string {
  return withoutRepetition(flowName(moves, begin(settings), step).split(', ')).join(', ');
}

/** `a, b, a, b, c` is `(a, b) twice, c`. */
function withoutRepetition(told: readonly string[]): string[] {
  for (const length of [1, 2, 3, 4]) {
    for (let at = 0; at + 2 * length <= told.length; at += 1) {
      const block = told.slice(at, at + length);
      let times = 1;
      while (block.every((word, index) => told[at + times * length + index] === word)) times += 1;
      if (times === 1) continue;
      const once = length === 1 ? block.join() : `(${block.join(', ')})`;
      return [
        ...told.slice(0, at),
        `${once} ${times === 2 ? 'twice' : `${times} times`}`,
        ...withoutRepetition(told.slice(at + times * length)),
      ];
    }
  }
  return [...told];
}

/** Label of a row in a few words, the same for a row of the chart and one of the server: event, tool, status. */
export function rowLabel({ type, extra }: Pick<LogRow, 'type'> & { extra: LogRow['extra'] | null }): string {
  const { kind, name, status, decision, reason } = extra ?? {};
  const metadata: unknown = extra?.['metadata'];
  const finish =
    typeof metadata === 'object' && metadata !== null && 'finish_reason' in metadata
      ? metadata.finish_reason
      : undefined;
  return [
    kind ?? type,
    name,
    status,
    decision,
    kind === 'cancel' ? reason : undefined,
    kind === 'turn_end' ? finish : undefined,
  ]
    .filter((word) => word !== undefined && word !== null)
    .join(' ');
}
