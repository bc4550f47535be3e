/**
 * Measures the effect of attacks by reads on another subject, as JSON: `node test/bench/read-attacks.ts`, in two minutes.
 * Each attack comes from a process of its own and reads a tool result of 15 MiB again and again. Meanwhile the other
 * subject pings every 100 ms. Reported are its round trips without and during the attack, in ms, and the most that the
 * resident memory of the server has grown.
 */
import { readAttacks, RESULT_BYTES } from '../attack/read-attacks.ts';
import { startAttacked } from '../attack/attacked-server.ts';
import { readRunnerOptions } from '../support/runner-options.ts';

const { number } = readRunnerOptions(
  `Usage: node test/bench/read-attacks.ts [--seconds N]

Measures what attacks by reads of the log do to another subject. Prints JSON. Linux only.

  --seconds N   how long each attack is; 15 by default
`,
  ['seconds'],
);
const seconds = number('seconds', 1) ?? 15;
const MIB = 1024 * 1024;
/** The wanted figures: p99 of the honest pings, and growth. */
const wanted = { p99Ms: 50, grownMiB: 150 };

function quantiles(sorted: readonly number[]) {
  const at = (share: number) => Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 10) / 10;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}

const results: object[] = [];
for (const { name, attack } of readAttacks) {
  const cleanUps: (() => Promise<void>)[] = [];
  try {
    const scope = { after: (cleanUp: () => Promise<void>) => void cleanUps.push(cleanUp) };
    const server = await startAttacked(scope, { resultBytes: RESULT_BYTES });
    const calm = quantiles((await server.during({ sockets: 0, frames: [], reads: true }, Math.min(5, seconds))).pings);
    const { pings, grownBytes } = await server.during(attack, seconds);
    results.push({ attack: name, calmMs: calm, attackedMs: quantiles(pings), grownMiB: Math.round(grownBytes / MIB) });
  } finally {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  }
}
process.stdout.write(`${JSON.stringify({ node: process.version, seconds, wanted, results }, null, 2)}\n`);
