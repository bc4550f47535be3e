/** Explains each flow that failed: what broke, the shortest flow that shows it, and the command that plays it again. */
import { prove, type Verdict } from '../proof/prove.ts';
import { flowOf, type Flow } from './flows.ts';
import { failure } from './report.ts';
import { shortestFailing } from './shortest.ts';

/** A flow takes a second, or the whole timeout of the notifier if the server does too little. */
const MAX_TRIES = 30;
/** One fault breaks many flows. */
const MAX_SHORTENED = 2;

/** Sorts the failures by length and adds a counterexample to the first ones. */
export async function explainFailures(
  broken: readonly Verdict[],
  flows: ReadonlyMap<string, Flow>,
  cache: string,
): Promise<string[]> {
  const explained: string[] = [];
  for (const verdict of broken.toSorted((one, other) => one.point.moves.length - other.point.moves.length)) {
    const flow = flows.get(verdict.point.id);
    if (!flow) continue;
    const shortest = explained.length < MAX_SHORTENED ? await shorten(flow, cache) : null;
    explained.push(failure(flow, verdict, shortest, replay(shortest ?? flow)));
  }
  return explained;
}

async function shorten(flow: Flow, cache: string): Promise<Flow> {
  const moves = await shortestFailing(flow.moves, {
    from: flow.from,
    maxTries: MAX_TRIES,
    fails: async (shorter) =>
      (await prove(flowOf(shorter, flow.maxToolHops), { cache, atEnd: true })).problems.length > 0,
  });
  return flowOf(moves, flow.maxToolHops);
}

function replay({ moves, maxToolHops }: Flow): string {
  return `./run.sh model --hops ${maxToolHops} --moves '${JSON.stringify(moves)}'`;
}
