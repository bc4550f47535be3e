/**
 * Chooses where the server is killed: the moves of a path, and the instant after the last of them. There is one gap
 * between two commits. In stories every gap is proven. Around an edge these are proven: the moment at which it was
 * taken, the end of that gap, and the commit that closes it. Of moments with the same future only the first is proven.
 */
import { createHash } from 'node:crypto';
import { coverEdges } from './paths.ts';
import { stories } from './stories.ts';
import { worldsUntilIdle, worldsOf } from './story-worlds.ts';
import { describeMove, type Move } from './moves.ts';
import { applyMove } from './apply-move.ts';
import { start, type World } from './world.ts';
import { worldKey } from './world-key.ts';

export interface KillPoint {
  /** Argument of `--only`. */
  id: string;
  /** Edge or story for which it was made. */
  of: string;
  /** World in which the moves begin. */
  from: World;
  moves: readonly Move[];
  /** `held`: after the moves. `landed`: the commit of the last move is on disk, and the server is not notified yet. */
  instant: 'held' | 'landed';
}

/** Ordered by stories, then by edges. */
export function allKillPoints(cover: ReadonlyMap<string, World> = coverEdges()): KillPoint[] {
  const points = new Map<string, KillPoint>();
  const situations = new Set<string>();
  const add = (of: string, world: World, instant: KillPoint['instant'], isWanted: boolean) => {
    const situation = situationOf(world, instant);
    if (world.path.length === 0 || (situations.has(situation) && !isWanted)) return;
    situations.add(situation);
    const point = pointAt(of, world, instant);
    if (!points.has(point.id)) points.set(point.id, point);
  };
  for (const [name, story] of Object.entries(stories)) {
    for (const world of worldsOf(story)) {
      if (endsInCommit(world)) add(name, world, 'landed', false);
      add(name, world, 'held', false);
    }
  }
  for (const [edge, world] of cover) {
    add(edge, world, 'held', true);
    if (endsInCommit(world)) add(edge, world, 'landed', false);
    const rest = worldsUntilIdle(world);
    const closing = rest.findIndex(endsInCommit);
    const last = rest.at(closing === -1 ? -1 : closing - 1);
    if (last && closing !== 0) add(edge, last, 'held', false);
    const closed = rest[closing];
    if (closed) add(edge, closed, 'landed', false);
  }
  return [...points.values()];
}

function endsInCommit({ path }: World): boolean {
  const last = path.at(-1);
  return last !== undefined && (last.do === 'commit' || (last.do === 'refuse' && last.after));
}

/** The server does not know about a commit without a notification, so the world before it counts. */
function situationOf(world: World, instant: KillPoint['instant']): string {
  if (instant === 'held') return worldKey(world);
  const { path } = world;
  return `${worldKey(path.slice(0, -1).reduce(applyMove, start))} ${JSON.stringify(path.at(-1))}`;
}

function pointAt(of: string, { path: moves }: World, instant: KillPoint['instant']): KillPoint {
  const id = createHash('sha256')
    .update(JSON.stringify([moves, instant]))
    .digest('hex')
    .slice(0, 8);
  return { id, of, from: start, moves, instant };
}

/** Describes the moves in one sentence. */
export function storyOfMoves({ moves, instant }: Pick<KillPoint, 'moves' | 'instant'>): string {
  return `${moves.map(describeMove).join(', ')}${instant === 'landed' ? ' (on disk, not notified)' : ''}, kill -9`;
}
