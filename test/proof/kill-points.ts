/**
 * Where the server is killed: a path's moves, and the instant after the last of them. Between two commits there is
 * one gap. Stories are proven in all of theirs; around an edge it is the moment at which it was taken, the end
 * of that gap, and the commit that closes it. Of moments in which the same may happen next the first is proven.
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
  /** What `--only` takes. */
  id: string;
  /** The edge or the story that it was made for. */
  of: string;
  /** Where the moves begin. */
  from: World;
  moves: readonly Move[];
  /** `held`: after the moves. `landed`: the last one's commit is on disk, and nobody has been told. */
  instant: 'held' | 'landed';
}

/** In the order of the stories, then of the edges. */
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

/** A commit that nobody was told of is a matter of the world before it. */
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

/** The moves as a sentence. */
export function storyOfMoves({ moves, instant }: Pick<KillPoint, 'moves' | 'instant'>): string {
  return `${moves.map(describeMove).join(', ')}${instant === 'landed' ? ' (on disk, nobody told)' : ''}, kill -9`;
}
