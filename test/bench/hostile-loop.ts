/**
 * Counts hostile texts with a new counter and measures what that does to the event loop. Prints JSON: the most
 * CPU time that one turn of the loop took, and the longest delay by the clock, both in milliseconds. The CPU time
 * should stay below 5 ms on a quiet machine; other work on the same cores makes both figures larger.
 *
 *   node test/bench/hostile-loop.ts [TEXT [INLINE_BYTES]]
 *
 * TEXT names one text of `hostile-texts.ts`; default: all of them. INLINE_BYTES is the counter's `inlineBytes`.
 * Compare `node test/bench/hostile-loop.ts 'line ends' 100000`, which counts a long text on the loop.
 * Each run is a process of its own: code that ran before is fast, and the first text costs the most.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTokenCounter } from '../../src/tokens/counter.ts';
import { hostile } from './hostile-texts.ts';

const [, , name, inlineBytes] = process.argv;
if (name !== undefined && hostile[name] === undefined) {
  process.stderr.write(`There is no text "${name}". The texts: ${Object.keys(hostile).join(', ')}.\n`);
  process.exit(2);
}
const texts = Object.entries(hostile).flatMap(([each, text]) => (name === undefined || each === name ? [text] : []));
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
// The first turns belong to the probes and to the start of the program.
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
process.stdout.write(`${JSON.stringify({ busiestTurnMs: Math.max(...turns), longestDelayMs: delay.max / 1e6 })}\n`);
