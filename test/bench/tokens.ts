/**
 * Measures counting against js-tiktoken on the same texts and prints JSON: microseconds a KB of UTF-8,
 * the best of some runs, interleaved. Run it with `node test/bench/tokens.ts`. The hostile text is short,
 * because the package's time grows with its square.
 */
import { Tiktoken } from 'js-tiktoken/lite';
import { createTokenCounter } from '../../src/tokens/counter.ts';
import { createEncoder } from '../../src/tokens/encoder.ts';
import { loadRankSource } from '../../src/tokens/encodings.ts';
import { buildRankTable } from '../../src/tokens/ranks.ts';
import { readRunnerOptions } from '../support/runner-options.ts';

readRunnerOptions(`Usage: node test/bench/tokens.ts

Measures token counting against js-tiktoken on the same texts. Prints JSON.
`);

const rounds = 7;
const subjects = [
  { encoding: 'cl100k_base', model: 'gpt-4' },
  { encoding: 'o200k_base', model: 'gpt-4o' },
] as const;
const sentence =
  "Having jumped over 13 lazy dogs, the fox wondered whether it wasn't time for lunch; no dog answered. ";
const texts = {
  prose: sentence.repeat(40),
  cjk: '昨日は友達と一緒に新しい図書館へ行きました。我们在那里读了很多有趣的书。'.repeat(20),
  code: 'export function add(a: number, b: number): number {\n  return a + b; // sum\n}\n\n'.repeat(40),
  hostile: 'a'.repeat(1000),
};

function microsecondsPerKb(text: string, count: (text: string) => unknown): number {
  const start = performance.now();
  count(text);
  return ((performance.now() - start) * 1000 * 1024) / Buffer.byteLength(text);
}

async function timeToReadyMs(model: string): Promise<number> {
  const start = performance.now();
  const counter = createTokenCounter({ model });
  await counter.ready();
  const elapsed = performance.now() - start;
  await counter.close();
  return Math.round(elapsed);
}

/** Includes the way to the thread and back. */
async function longTextMs(model: string): Promise<number> {
  const counter = createTokenCounter({ model });
  await counter.ready();
  const start = performance.now();
  await counter.count('a'.repeat(100_000));
  const elapsed = performance.now() - start;
  await counter.close();
  return Math.round(elapsed);
}

const report: Record<string, unknown> = { node: process.version, unit: 'microseconds a KB of UTF-8' };
for (const { encoding, model } of subjects) {
  const source = await loadRankSource(encoding);
  const ours = createEncoder(buildRankTable(source));
  const theirs = new Tiktoken({ ...source, special_tokens: {} });
  const results: Record<string, { ours: number; jsTiktoken: number }> = {};
  for (const [name, text] of Object.entries(texts)) {
    const best = { ours: Infinity, jsTiktoken: Infinity };
    for (let round = 0; round < rounds; round++) {
      best.ours = Math.min(best.ours, microsecondsPerKb(text, ours.count));
      best.jsTiktoken = Math.min(
        best.jsTiktoken,
        microsecondsPerKb(text, (text) => theirs.encode(text, [], [])),
      );
    }
    results[name] = { ours: Math.round(best.ours), jsTiktoken: Math.round(best.jsTiktoken) };
  }
  report[encoding] = {
    ...results,
    readyMs: await timeToReadyMs(model),
    hostile100kInThreadMs: await longTextMs(model),
  };
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
