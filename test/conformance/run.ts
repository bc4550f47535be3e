/**
 * Runs the MCP conformance suite against Parley: every client scenario of both revisions, a few at a time. Exits with 1
 * when one does not end as test/conformance/scenarios.ts says, also when one passes unexpectedly.
 */
import { availableParallelism } from 'node:os';
import { readRunnerOptions } from '../support/runner-options.ts';
import { revisions, runScenario, scenariosOf } from './scenarios.ts';

readRunnerOptions(`Usage: npm run conformance

Plays every client scenario of the MCP project's conformance suite against Parley, in about two minutes.
`);

const jobs = revisions
  .flatMap((revision) => scenariosOf(revision).map((scenario) => ({ revision, ...scenario })))
  .values();
const scored = new Map(revisions.map((revision) => [revision, { passed: 0, all: 0 }]));
let surprises = 0;

const work = async () => {
  for (const { revision, name, scored: counts, missing } of jobs) {
    const { passed, output } = await runScenario(name, revision);
    const tally = scored.get(revision);
    if (counts && tally) {
      tally.all += 1;
      tally.passed += Number(passed);
    }
    const expected = passed === (missing === null);
    process.stdout.write(
      `${passed ? 'passed' : 'failed'}  ${revision}  ${name}${counts ? '' : '  (not scored)'}${expected ? '' : '  UNEXPECTED'}\n`,
    );
    if (expected) continue;
    surprises += 1;
    process.stdout.write(`${output}\n`);
  }
};
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work));

for (const [revision, { passed, all }] of scored)
  process.stdout.write(`${revision}: ${passed} of ${all} scored scenarios passed\n`);
process.exitCode = surprises === 0 ? 0 : 1;
