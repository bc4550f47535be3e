/**
 * Program of `hostile.test.ts`: counts texts with a new counter and prints, as JSON, what that did to the
 * event loop. A process of its own each time: code that ran before is fast, and the first text is the dear one.
 * Takes the name of a hostile text, or none for all, and the counter's `inlineBytes`, or none for the default.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTokenCounter } from '../../src/tokens/counter.ts';
import { hostile } from './hostile-texts.ts';

const [, , name, inlineBytes] = process.argv;
const texts = name === undefined ? Object.values(hostile) : [hostile[name] ?? ''];
const counter = createTokenCounter({ model: 'gpt-4o', ...(inlineBytes === undefined ? {} : { inlineBytes: Number(inlineBytes) }) });

const delay = monitorEventLoopDelay({ resolution: 1 });
const turns: number[] = [];
let usage = process.threadCpuUsage();
const probe = setInterval(() => {
  const { user, system } = process.threadCpuUsage(usage);
  usage = process.threadCpuUsage();
  turns.push((user + system) / 1000);
}, 1);
delay.enable();
// The first turns are the probes' own and the program's start.
await sleep(50);
turns.length = 0;
delay.reset();

await counter.ready();
for (const text of texts) {
  await counter.count(text);
  await sleep(3);
}
clearInterval(probe);
delay.disable();
await counter.close();
process.stdout.write(JSON.stringify({ busiestTurnMs: Math.max(...turns), longestDelayMs: delay.max / 1e6 }));
