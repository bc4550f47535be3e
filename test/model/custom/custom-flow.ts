/**
 * A *custom flow* tests the user's own tools: its moves, and the arguments of the calls. The chart generates it
 * (derive-flows.ts), or the user writes it (written-flow.ts). Between two of its moves, commits and reads happen by
 * themselves.
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
  /** Arguments of the calls of each `ask` among the moves. */
  arguments: readonly (readonly Record<string, unknown>[])[];
  /** Text of the model's last answer. */
  says: string;
  expect: WrittenFlow['expect'];
  /** True if the user wrote it, false if the chart generated it. */
  isWritten: boolean;
}

export const begin = (settings: Settings): World => startWith(settings);

/** Returns the world after a move and all commits and reads that follow. */
export function step(before: World, move: Stimulus): World {
  return worldsOf(before, move).at(-1) ?? before;
}

/** States of the conversation's chart that the moves pass through, or in which they take a transition. */
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

/** Whether a tool or a person is late in it, so that it needs short timeouts. */
export function needsShortTimeouts({ moves }: Pick<CustomFlow, 'moves'>): boolean {
  return moves.some((move) => move.do === 'expire' || (move.do === 'call' && move.ends === 'late'));
}

/** Describes the moves in words, each repetition once. */
export function describeCustomFlow(moves: readonly Stimulus[], settings: Settings): string {
  return withoutRepetition(flowName(moves, begin(settings), step).split(', ')).join(', ');
}

/** `a, b, a, b, c` is `(a, b) twice, c`. */
function withoutRepetition(words: readonly string[]): string[] {
  for (const length of [1, 2, 3, 4]) {
    for (let at = 0; at + 2 * length <= words.length; at += 1) {
      const block = words.slice(at, at + length);
      let times = 1;
      while (block.every((word, index) => words[at + times * length + index] === word)) times += 1;
      if (times === 1) continue;
      const once = length === 1 ? block.join() : `(${block.join(', ')})`;
      return [
        ...words.slice(0, at),
        `${once} ${times === 2 ? 'twice' : `${times} times`}`,
        ...withoutRepetition(words.slice(at + times * length)),
      ];
    }
  }
  return [...words];
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
