/** Formats what the proof prints: progress, the story of a failure, the table of edges, and the summary. */
import { storyOfMoves } from './kill-points.ts';
import { allEdges, uncoveredEdges } from './paths.ts';
import type { Verdict } from './prove.ts';
import { reasonFor } from './unreachable.ts';
import { describeMove } from './moves.ts';
import type { World } from './world.ts';

/** The end of a server's log says why it exited. */
const OUTPUT_CHARS = 2000;

export function progress({ point, problems, tookMs }: Verdict, done: number, of: number): string {
  return `${String(done).padStart(String(of).length)}/${of} ${problems.length === 0 ? 'held  ' : 'BROKEN'} ${point.id} ${(tookMs / 1000).toFixed(1)} s  ${point.of}`;
}

/** Formats everything that is needed to understand and repeat the failure. */
export function failure({ point, problems, log, output }: Verdict): string {
  const indented = (lines: readonly string[]) => lines.map((line) => `    ${line}`);
  return [
    '',
    `BROKEN: ${point.of}`,
    `  ${storyOfMoves(point)}`,
    ...indented(problems),
    '  the log:',
    ...indented(log),
    ...(output === '' ? [] : ['  the server said:', ...indented(output.slice(-OUTPUT_CHARS).trimEnd().split('\n'))]),
    `  again: npm run proof -- --only ${point.id}`,
    '',
  ].join('\n');
}

/** Lists every edge of the charts with the shortest known path to it, or with the reason why there is none. */
export function edgeTable(cover: ReadonlyMap<string, World>): string[] {
  return allEdges().map((edge) => {
    const path = cover.get(edge)?.path.map(describeMove).join(', ');
    return path === undefined
      ? `  - ${edge}\n      ${reasonFor(edge) ?? 'NOT HELD_CONVERSATION, and no reason is given'}`
      : `  + ${edge}\n      ${path}`;
  });
}

/** Formats the summary. Its last line is the result. */
export function summary(verdicts: readonly Verdict[], cover: ReadonlyMap<string, World>, tookMs: number): string[] {
  const broken = verdicts.filter(({ problems }) => problems.length > 0);
  return [
    ...uncoveredEdges(cover).map((edge) => `NO PATH and no reason: ${edge}`),
    ...broken.map(({ point, problems }) => `BROKEN ${point.id} ${point.of}: ${problems[0]?.split('\n')[0]}`),
    `${cover.size} edges on paths, ${allEdges().length - cover.size} that no move can reach`,
    `${verdicts.length - broken.length} of ${verdicts.length} kill points held, in ${Math.round(tookMs / 1000)} s`,
  ];
}
