/**
 * Counts hostile texts with a new counter and measures the delay of the event loop. Each run is its own process: code
 * that ran before is fast, and the first text costs the most. See `node test/bench/hostile-loop.ts --help`.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTokenCounter } from '../../src/tokens/counter.ts';
import { readRunnerOptions } from '../support/runner-options.ts';
import { hostile } from './hostile-texts.ts';

const usage = `Usage: node test/bench/hostile-loop.ts [--text NAME] [--inline-bytes N]

Counts hostile texts and prints JSON: the most CPU time that one turn of the event loop took, and the longest delay by
the clock, both in milliseconds. The CPU time should stay below 5 ms on a quiet machine.

  --text NAME        one text of test/bench/hostile-texts.ts; default: all of them
  --inline-bytes N   longest text that is counted on the loop; with 100000, "line ends" shows what that would cost
`;
const { text, number, refuse } = readRunnerOptions(usage, ['text', 'inline-bytes']);
const [name, inlineBytes] = [text('text'), number('inline-bytes', 0)];
if (name !== undefined && hostile[name] === undefined)
  refuse(`there is no text "${name}"; the texts are ${Object.keys(hostile).join(', ')}`);
const texts = Object.entries(hostile).flatMap(([each, hostileText]) =>
  name === undefined || each === name ? [hostileText] : [],
);
const counter = createTokenCounter({ model: 'gpt-4o', ...(inlineBytes === undefined ? {} : { inlineBytes }) });

const delay = monitorEventLoopDelay({ resolution: 1 });
const turns: number[] = [];
let cpu = process.threadCpuUsage();
const probe = setInterval(() => {
  const { user, system } = process.threadCpuUsage(cpu);
  cpu = process.threadCpuUsage();
  turns.push((user + system) / 1000);
}, 1);
delay.enable();
// The first turns belong to the probes and to the start of the program.
await sleep(50);
turns.length = 0;
delay.reset();

await counter.ready();
for (const each of texts) {
  await counter.count(each);
  await sleep(3);
}
clearInterval(probe);
delay.disable();
await counter.close();
process.stdout.write(`${JSON.stringify({ busiestTurnMs: Math.max(...turns), longestDelayMs: delay.max / 1e6 })}\n`);
