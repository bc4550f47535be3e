/**
 * Mutates the text of a request before it is sent: into JSON that `JSON.stringify` never writes, and into text that is
 * no JSON. Does not know how the server should react.
 */
import type { Random } from './random.ts';

type Mutation = (text: string, random: Random) => string;

/** Numbers as text: beyond doubles, minus zero, too many digits, and three that JSON forbids. */
const strangeNumbers = [
  '1e999',
  '-1e999',
  '-0',
  '1e-999',
  '9007199254740993',
  `1${'0'.repeat(400)}`,
  '0.1e1',
  '0x10',
  'NaN',
  '01',
];
const strangeMembers = [
  '"__proto__":{"isAdmin":true}',
  '"constructor":{"prototype":{"x":1}}',
  '"__proto__":null',
  '"action":"ping"',
  '"request_id":1',
  '"payload":[]',
  '"toJSON":1',
];
const strangeText = ['\\ud800', '\\udc00\\ud800', '\\u0000', '\ufeff', '\u2028', '\\', '"', '\t'];
/** Around the limit, and far beyond what a recursive parser survives. */
const depths = [60, 61, 62, 63, 64, 65, 1000, 100_000];

const mutations: readonly Mutation[] = [
  (text, random) => replaceOne(text, /-?\d+(?=[,}\]])/g, random.pick(strangeNumbers), random),
  (text, random) => replaceOne(text, /\{(?=")/g, `{${random.pick(strangeMembers)},`, random),
  (text, random) => replaceOne(text, /(?<=:")/g, random.pick(strangeText), random),
  (text, random) => replaceOne(text, /:("[^"]*"|\d+|true|false)/g, `:${nested(random.pick(depths), random)}`, random),
  (text, random) => text.slice(0, random.int(0, text.length)),
  (text, random) => spliced(text, random, ''),
  (text, random) => spliced(text, random, random.bytes(random.int(1, 8)).toString('latin1')),
  (text, random) => text.repeat(random.int(2, 3)),
  (text, random) => `${random.pick([' '.repeat(10_000), '\ufeff', '[', '//', '\u0000'])}${text}`,
  (text) => `[${text}]`,
  (_, random) => random.pick(['', 'null', '0', '""', '[]', '{}', '"__proto__"', '{"request_id":{}}', 'undefined']),
];

/** Large frames belong to another attack: a text that would grow beyond this stays as it was. */
const maxBytes = 1_000_000;

/** Applies one to three mutations in sequence. */
export function mutate(text: string, random: Random): string {
  let mutated = text;
  for (let count = random.int(1, 3); count > 0; count -= 1) {
    const next = random.pick(mutations)(mutated, random).toWellFormed();
    if (Buffer.byteLength(next) <= maxBytes) mutated = next;
  }
  return mutated;
}

function replaceOne(text: string, places: RegExp, by: string, random: Random): string {
  const found = [...text.matchAll(places)];
  if (found.length === 0) return text;
  const { index, 0: old } = random.pick(found);
  return text.slice(0, index) + by + text.slice(index + old.length);
}

function nested(depth: number, random: Random): string {
  return random.chance(0.5) ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

function spliced(text: string, random: Random, by: string): string {
  const at = random.int(0, text.length);
  return text.slice(0, at) + by + text.slice(at + random.int(0, 4));
}
