/**
 * Runs the tests from the model (README.md): flows of the shipping chart, or of the user's own configuration.
 *
 *   ./run.sh model                                       every flow of the chart, and the coverage
 *   ./run.sh model --seed 7 --part 40                    40 of them, the same for the same seed
 *   ./run.sh model --config mine.yaml --flows mine.flows.yaml    the user's own prompts, tools and limits
 */
import { usageOf } from '../../src/cli/help.ts';
import { readRunnerOptions } from '../support/runner-options.ts';
import { runCustom } from './custom/run-custom.ts';
import { runChart } from './run-chart.ts';

const chartOptions = ['seed', 'part', 'hops', 'moves'] as const;
const customOptions = ['config', 'flows', 'tool'] as const;
const { text, number, has, refuse, isUnread } = readRunnerOptions(
  usageOf('model'),
  [...chartOptions, ...customOptions, 'only'],
  ['all'],
);
const isCustom = customOptions.some((name) => text(name) !== undefined);
const misplaced = (isCustom ? chartOptions : []).find((name) => text(name) !== undefined);
if (misplaced) refuse(`--${misplaced} has no meaning with --config, --flows or --tool`);
if (!isCustom && has('all')) refuse('--all needs --config, --flows or --tool');
if (text('moves') !== undefined && text('hops') === undefined) refuse('--moves needs --hops');
const say = (line: string) => void process.stdout.write(`${line}\n`);

try {
  const only = text('only');
  const held = isCustom
    ? await runCustom({
        config: text('config'),
        flows: text('flows'),
        tool: text('tool'),
        all: has('all'),
        only,
        say,
        isUnread,
      })
    : await runChart({
        seed: text('seed'),
        part: number('part', 1),
        hops: number('hops', 0),
        moves: text('moves'),
        only,
        say,
        isUnread,
      });
  process.exitCode = held || isUnread() ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
