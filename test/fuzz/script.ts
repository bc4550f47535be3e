/** What the model says to a message, and before it says so: every message has an answer of its own, which whoever sent it can foretell. */
import { hash } from 'node:crypto';

const words = ['red', 'green', 'blue', 'Grüße', '你好', '🙂', 'seven', 'twelve', 'north', 'south', 'salt', 'rain'];

/** In every message of the honest clients, and in no other. */
export const honestMark = 'between ourselves';

/** What the model calls first, for about one message in five, and what that returns. */
export const scriptedCall = { name: 'add', arguments: { a: 2, b: 3 }, result: '5' };

/** Whether it does. */
export function callsFirst(message: string): boolean {
  return (hash('sha256', message, 'buffer')[8] ?? 0) < 51;
}

/** Eight words, each to be sent as one chunk. */
export function answerTo(message: string): string[] {
  return [...hash('sha256', message, 'buffer').subarray(0, 8)].map((byte) => `${words[byte % words.length]} `);
}
