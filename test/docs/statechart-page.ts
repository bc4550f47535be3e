/** Writes the pages about the statecharts: the purpose of each state, and its transitions, in words. */
import type { AnyStateMachine } from 'xstate';
import { chartOf, type Chart, type ChartState, type ChartTransition } from '../../src/inspect/charts/chart.ts';
import { isWithin, mermaidOf } from './statechart-mermaid.ts';

const notice = '<!-- Written by test/docs/statecharts.ts from machines/. Change those, not this. -->';

/** `tool-call` for `toolCall`. */
export function fileName(id: string): string {
  return id.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function indexPage(machines: readonly AnyStateMachine[]): string {
  const rows = machines.map(chartOf).map((chart) => {
    const file = fileName(chart.id);
    const transitions = chart.states.reduce((sum, state) => sum + state.transitions.length, 0);
    return `| [${chart.id}](${file}.md) | ${rootOf(chart).description ?? ''} | ${chart.states.length - 1} | ${transitions} | [${file}.json](${file}.json) |`;
  });
  return `# Statecharts

${notice}

Only these charts decide what may happen next in Parley. The pages are generated from the code that runs (\`npm run docs\`), and a test fails while one is out of date.

| chart | what it is for | states | transitions | for an editor |
|---|---|---|---|---|
${rows.join('\n')}

The conversation's actors are spawned and stopped with their turns: \`answer\` streams from the model, one \`toolCall\` chart runs for each call of a hop. The registry has one \`writer\` and one \`mcpServer\` for each configured server as children; conversations are actors of their own beside it.

## In an editor

Each \`.json\` file is the chart's configuration for XState 5. Put it between the brackets of

\`\`\`ts
import { createMachine } from 'xstate';

export const machine = createMachine(/* here */);
\`\`\`

and import that as code into [Stately's editor](https://stately.ai/docs/import-from-code), or open it in the Stately extension for VS Code. Guards, actions, delays and actors are there by name; their code is in \`machines/\`. A test makes a machine of each file and compares it with the one that ships, transition by transition.

## How to read the pages

The drawings are made by the code of the inspection page, with events and guards on their lines. \`→ stopped\` in a box stands for a transition that has no line because many states have it.

An event goes to the innermost active state, and outwards until a state handles it. Of several transitions the first whose condition holds is taken. \`always\` is tried after every change, \`after x\` when the delay \`x\` is over, \`done of x\` and \`error of x\` when the actor \`x\` has ended. "Nothing" means that the event is handled and changes nothing.
`;
}

export function machinePage(machine: AnyStateMachine): string {
  const chart = chartOf(machine);
  const [root, ...states] = chart.states;
  return `${[
    `# ${chart.id}`,
    notice,
    root?.description ?? '',
    `![${chart.id}](${fileName(chart.id)}.svg)`,
    `<details><summary>The same as Mermaid</summary>\n\n${[mermaidOf(chart), ...undrawn(chart)].join('\n\n')}\n\n</details>`,
    '## States',
    ...(root && root.transitions.length > 0 ? [`### anywhere in ${chart.id}`, ...transitionsOf(chart, root)] : []),
    ...states.flatMap((state) => sectionOf(chart, state)),
  ].join('\n\n')}\n`;
}

/** What Mermaid leaves out: ways from a state into itself. */
function undrawn(chart: Chart): string[] {
  const lines = chart.states.flatMap((state) =>
    state.transitions
      .filter(({ target }) => target !== null && isWithin(chart, target, state.id))
      .map(
        (transition) =>
          `- from everywhere in \`${state.path || state.name}\`: ${causeOf(transition)} leads to \`${pathOf(chart, transition.target)}\``,
      ),
  );
  return lines.length === 0 ? [] : ['Not drawn:', lines.join('\n')];
}

function sectionOf(chart: Chart, state: ChartState): string[] {
  const facts = [
    ...(state.entry.length > 0 ? [`On entry: ${inCode(state.entry)}.`] : []),
    ...(state.exit.length > 0 ? [`On exit: ${inCode(state.exit)}.`] : []),
    ...(state.invokes.length > 0
      ? [
          `As long as it lasts: ${state.invokes.map(({ id, actor }) => (id === actor ? `\`${id}\`` : `\`${id}\` (actor \`${actor}\`)`)).join(', ')}.`,
        ]
      : []),
    ...(state.kind === 'final' ? ['Final.'] : []),
    ...(state.isInitial ? [`First state of \`${chart.states.find(({ id }) => id === state.parent)?.name}\`.`] : []),
  ];
  return [
    `### ${state.path}`,
    state.description ?? '',
    ...(facts.length > 0 ? [facts.join(' ')] : []),
    ...transitionsOf(chart, state),
  ];
}

function transitionsOf(chart: Chart, { transitions }: ChartState): string[] {
  if (transitions.length === 0) return [];
  const rows = transitions.map(({ event, guard, target, actions }) => {
    const cells = [
      `\`${event}\``,
      guard === null ? '' : `\`${guard}\``,
      target === null ? (actions.length === 0 ? 'nothing' : 'stays') : `\`${pathOf(chart, target)}\``,
      inCode(actions),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [['| on | if | leads to | does |', '|---|---|---|---|', ...rows].join('\n')];
}

function causeOf({ event, guard }: ChartTransition): string {
  return guard === null ? `\`${event}\`` : `\`${event}\` if \`${guard}\``;
}

function pathOf(chart: Chart, id: string | null): string {
  return chart.states.find((state) => state.id === id)?.path ?? '';
}

function inCode(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function rootOf({ states }: Chart): Pick<ChartState, 'description'> {
  return states.find(({ parent }) => parent === null) ?? { description: null };
}
