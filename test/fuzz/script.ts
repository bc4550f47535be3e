/**
 * Defines the model's answer to each message, and whether a tool call comes first. Each message has its own answer,
 * which its sender can compute.
 */
import { hash } from 'node:crypto';

const words = ['red', 'green', 'blue', 'Grüße', '你好', '🙂', 'seven', 'twelve', 'north', 'south', 'salt', 'rain'];

/** Part of every message of the honest clients, and of no other. */
export const honestMark = 'between ourselves';

/** Call that the model makes first, for about one message in five, and its result. */
export const scriptedCall = { name: 'add', arguments: { a: 2, b: 3 }, result: '5' };

/** Whether the model calls the tool first. */
export function callsFirst(message: string): boolean {
  return (hash('sha256', message, 'buffer')[8] ?? 0) < 51;
}

/** Returns eight words, one per chunk. */
export function answerTo(message: string): string[] {
  return [...hash('sha256', message, 'buffer').subarray(0, 8)].map((byte) => `${words[byte % words.length]} `);
}
