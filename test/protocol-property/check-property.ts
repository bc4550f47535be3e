/** The property: whatever clients do, and whenever, the invariants hold. A run that broke one is told as short as it can be made. */
import fc from 'fast-check';
import { judge } from './judge.ts';
import { drain } from './drain.ts';
import { createEnvironment, type Environment } from './environment.ts';
import { someSteps, describeStep, type Step } from './steps.ts';
import { createSimulation } from './simulation.ts';

export interface CheckOptions {
  runs: number;
  seed: number;
  /** When to be content with the runs that there were, or with a failure as short as it is by then. */
  limitMs: number;
  /** Of one run that is to be seen again, as a failure tells it. */
  path?: string;
}

/** A server and its model keep what they have seen. */
const RUNS_PER_ENVIRONMENT = 50;
/** Some faults are a race and come back only now and then: a shorter run counts as sound when it was so this often. */
const ATTEMPTS_TO_SHRINK = 6;

/** Throws with the steps that broke an invariant, and how to take them again. */
export async function checkProperty({ runs, seed, limitMs, path }: CheckOptions): Promise<void> {
  let environment = await createEnvironment();
  let count = 0;
  let attempts = path === undefined ? 1 : ATTEMPTS_TO_SHRINK;
  const deadlineMs = performance.now() + limitMs;
  const property = fc.asyncProperty(someSteps, async (steps) => {
    // fast-check's own limit would leave a run under way behind, and with it a server that nobody ends.
    if (performance.now() > deadlineMs) return;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      count += 1;
      if (count % RUNS_PER_ENVIRONMENT === 0) {
        await environment.close();
        environment = await createEnvironment();
      }
      const problems = await takeSteps(environment, `run${count}`, steps);
      if (problems.length === 0) continue;
      attempts = ATTEMPTS_TO_SHRINK;
      throw new Error(problems.join('\n'));
    }
  });
  const outcome = await fc.check(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });
  await environment.close();
  if (outcome.failed) throw new Error(describeFailure(outcome));
}

/** What was broken, in words. The conversations of a run bear its name. */
async function takeSteps(environment: Environment, name: string, steps: readonly Step[]): Promise<string[]> {
  const simulation = createSimulation(environment, name);
  try {
    for (const step of steps) await simulation.take(step);
    const logs = await drain(environment, simulation);
    return judge({ simulation, logs, environment });
  } finally {
    for (const { connection } of simulation.clients) await connection?.close('cut');
  }
}

function describeFailure({
  seed,
  counterexamplePath,
  counterexample,
  errorInstance,
  numRuns,
  numShrinks,
}: fc.RunDetails<[Step[]]>): string {
  const [steps = []] = counterexample ?? [];
  return [
    errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
    `in run ${numRuns} of seed ${seed}, made shorter ${numShrinks} times:`,
    ...steps.map((step) => `  ${describeStep(step)}`),
    `again: npm run property -- --seed ${seed} --path ${counterexamplePath}`,
  ].join('\n');
}
