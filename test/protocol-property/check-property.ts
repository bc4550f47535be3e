/**
 * Checks the property: the invariants of judge.ts hold after any sequence of steps. Reports a run that broke one as a
 * shrunk list of steps.
 */
import fc from 'fast-check';
import { judge } from './judge.ts';
import { drain } from './drain.ts';
import { createEnvironment, type Environment } from './environment.ts';
import { someSteps, describeStep, type Step } from './steps.ts';
import { createSimulation } from './simulation.ts';

export interface CheckOptions {
  runs: number;
  seed: number;
  /**
   * Time limit in milliseconds: then the check ends with the runs made so far, or with the failure as far as it is
   * shrunk.
   */
  limitMs: number;
  /** fast-check path of one run to repeat, as a failure prints it. */
  path?: string;
}

/** A server and its model keep what they have received, so an environment is replaced after so many runs. */
const RUNS_PER_ENVIRONMENT = 50;
/** Some faults are races and appear only now and then. A shorter run passes only after so many attempts. */
const ATTEMPTS_TO_SHRINK = 6;

/** Throws with the steps that broke an invariant and the command that repeats them. */
export async function checkProperty({ runs, seed, limitMs, path }: CheckOptions): Promise<void> {
  let environment = await createEnvironment();
  let count = 0;
  let attempts = path === undefined ? 1 : ATTEMPTS_TO_SHRINK;
  const deadlineMs = performance.now() + limitMs;
  const property = fc.asyncProperty(someSteps, async (steps) => {
    // fast-check's own time limit would abandon a running run, and with it a server that is never stopped.
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

/** Returns the violations as sentences. The name of the run begins its conversation ids. */
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
    `in run ${numRuns} of seed ${seed}, shrunk ${numShrinks} times:`,
    ...steps.map((step) => `  ${describeStep(step)}`),
    `again: npm run property -- --seed ${seed} --path ${counterexamplePath}`,
  ].join('\n');
}
