/**
 * Tests from the model, as README.md beside it tells: flows of the shipping chart, or of one's own configuration.
 *
 *   ./run.sh model                                       every flow of the chart, and what was covered
 *   ./run.sh model --seed 7 --part 40                    40 of them, the same for the same seed
 *   ./run.sh model --config mine.yaml --flows mine.flows.yaml    one's own prompts, tools and limits
 */
import { parseArgs } from 'node:util';
import { runOwn } from './own/run-own.ts';
import { runChart } from './run-chart.ts';

const { values } = parseArgs({
  options: {
    // Of the chart's flows.
    seed: { type: 'string' }, part: { type: 'string' }, hops: { type: 'string' }, moves: { type: 'string' },
    // Of one's own.
    config: { type: 'string' }, flows: { type: 'string' }, tool: { type: 'string' }, all: { type: 'boolean', default: false },
    // Of both.
    only: { type: 'string' },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);

try {
  const isOwn = values.config !== undefined || values.flows !== undefined || values.tool !== undefined;
  const held = isOwn ? await runOwn({ ...values, config: values.config, flows: values.flows, tool: values.tool, only: values.only, say }) : await runChart({ ...values, say });
  process.exitCode = held ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
