/** Formats what the model tests print: progress, a failure with its counterexample, and the coverage as a table. */
import type { Verdict } from '../proof/prove.ts';
import { goalsWith, reasonWhyNot, type Goal } from './goals.ts';
import type { Flow } from './flows.ts';

export function progress(flow: Flow, { problems, tookMs }: Verdict, done: number, of: number): string {
  return `${String(done).padStart(String(of).length)}/${of} ${problems.length === 0 ? 'held  ' : 'BROKEN'} ${flow.id} ${(tookMs / 1000).toFixed(1)} s  ${flow.maxToolHops} hops: ${flow.of}`;
}

/** The end of a server's log says why it exited. */
const OUTPUT_CHARS = 2000;

/** Formats a failure. `shortest` is the flow without the moves that the failure does not need. */
export function failure(flow: Flow, { problems, log, output }: Verdict, shortest: Flow | null, replay: string): string {
  const indented = (lines: readonly string[]) => lines.map((line) => `    ${line}`);
  return [
    '',
    `BROKEN with max_tool_hops ${flow.maxToolHops}: ${flow.of}`,
    ...indented(problems),
    ...(shortest === null ? [] : [`  the shortest counterexample: ${shortest.of}`]),
    '  the log:',
    ...indented(log),
    ...(output === '' ? [] : ['  the server said:', ...indented(output.slice(-OUTPUT_CHARS).trimEnd().split('\n'))]),
    `  again: ${replay}`,
    '',
  ].join('\n');
}

/** Lists goals that no flow reaches and that have no reason. */
export function uncovered(reached: ReadonlySet<string>, maxToolHops: number): string[] {
  return goalsWith(maxToolHops)
    .map(({ id }) => id)
    .filter((id) => !reached.has(id) && reasonWhyNot(id, maxToolHops) === null);
}

const HOPS = 'hops of a turn, and their limit';

/** Formats the coverage, one line a state: what was reached of what can be, over all limits of hops. */
export function coverageTable(
  limits: readonly { maxToolHops: number; reached: ReadonlySet<string>; flows: readonly Flow[] }[],
): string[] {
  const goals = limits.flatMap(({ maxToolHops, reached, flows }) =>
    goalsWith(maxToolHops).map((goal) => ({
      goal,
      isReached: reached.has(goal.id),
      reason: reasonWhyNot(goal.id, maxToolHops),
      flows: flows.filter((flow) => flow.reached.has(goal.id)).map(({ id }) => id),
    })),
  );
  const row = (name: string, of: typeof goals): string[] => {
    const share = (which: (goal: Goal) => boolean) => {
      const asked = of.filter(({ goal, isReached, reason }) => which(goal) && (isReached || reason === null));
      return asked.length === 0 ? '-' : `${asked.filter(({ isReached }) => isReached).length}/${asked.length}`;
    };
    return [
      name,
      String(new Set(of.flatMap(({ flows }) => flows)).size),
      share(({ what }) => what !== 'refused'),
      share(({ what, guarded }) => what === 'taken' && guarded),
      share(({ what }) => what === 'refused'),
      String(of.filter(({ isReached, reason }) => !isReached && reason !== null).length),
    ];
  };
  const states = [...Map.groupBy(goals, ({ goal }) => goal.state ?? HOPS)];
  const perLimit = limits.map(
    ({ maxToolHops }) => [`max_tool_hops ${maxToolHops}`, goals.splice(0, goalsWith(maxToolHops).length)] as const,
  );
  const rows = [
    ['state', 'flows', 'transitions', 'guards: yes', 'guards: no', 'unreachable'],
    ...states.map(([name, of]) => row(name, of)),
    ...perLimit.map(([name, of]) => row(name, of)),
    row(
      `in all, ${states.filter(([name, of]) => name !== HOPS && of.some(({ isReached }) => isReached)).length} states of ${states.length - 1}`,
      perLimit.flatMap(([, of]) => of),
    ),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}

/** Lists the goals that the highest limit cannot reach, by reason, and those that only a lower limit rules out. */
export function unreachableList(limits: readonly { maxToolHops: number; reached: ReadonlySet<string> }[]): string[] {
  const reasons = new Map<string, Map<string, number[]>>();
  for (const { maxToolHops, reached } of limits) {
    for (const { id } of goalsWith(maxToolHops)) {
      const why = reached.has(id) ? null : reasonWhyNot(id, maxToolHops);
      if (why === null) continue;
      const goals = reasons.get(why) ?? new Map<string, number[]>();
      reasons.set(why, goals.set(id, [...(goals.get(id) ?? []), maxToolHops]));
    }
  }
  return [...reasons].flatMap(([why, goals]) => [
    why,
    ...[...goals].map(([goal, at]) => `  ${goal}${at.length === limits.length ? '' : ` (with ${at.join(', ')} hops)`}`),
  ]);
}
