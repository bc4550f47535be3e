/** Converts a flow that the user wrote into moves that the chart allows. */
import type { Stimulus } from '../../proof/moves.ts';
import { openQuestions, type Settings } from '../../proof/world.ts';
import type { WrittenFlow } from './flows-file.ts';
import { begin, step, type CustomFlow } from './custom-flow.ts';

/** Assumes that every call is answered, the oldest first. The real order shows when the flow is played. */
export function readFlow(
  written: WrittenFlow,
  settings: Settings,
  argumentsFor: (tool: string) => Record<string, unknown>,
): CustomFlow {
  const { name, prompt, model, person, expect } = written;
  const moves: Stimulus[] = [];
  let world = begin(settings);
  const make = (move: Stimulus) => {
    moves.push(move);
    world = step(world, move);
  };
  make({ do: 'chat', id: 'r1', mode: 'queue', words: 'own' });
  const hops = model.flatMap((said) => ('calls' in said ? [said.calls] : []));
  for (const calls of hops) {
    if (!world.conversation?.context.turn?.asking)
      throw new Error(
        `the flow "${name}" continues after the end of the turn: it may have at most ${settings.limits.maxToolHops} hops`,
      );
    make({ do: 'ask', tools: calls.map(({ tool }) => tool) });
    while (openQuestions(world.log.rows()).length > 0) make({ do: 'respond', decision: person, to: 'first' });
    for (let [open] = world.calls.values(); open; [open] = world.calls.values())
      make({ do: 'call', tool: open.context.tool.name, ends: 'ok' });
  }
  if (world.conversation?.context.turn?.asking) make({ do: 'answer' });
  const said = model.findLast((each) => 'says' in each);
  return {
    name,
    prompt,
    moves,
    expect,
    isWritten: true,
    arguments: hops.map((calls) => calls.map(({ tool, arguments: given }) => given ?? argumentsFor(tool))),
    says: said && 'says' in said ? said.says : 'Done.',
  };
}
