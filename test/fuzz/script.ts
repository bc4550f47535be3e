/** What the model says to a message: every message has an answer of its own, which whoever sent it can foretell. */
import { hash } from 'node:crypto';

const words = ['red', 'green', 'blue', 'Grüße', '你好', '🙂', 'seven', 'twelve', 'north', 'south', 'salt', 'rain'];

/** Eight words, each to be sent as one chunk. */
export function answerTo(message: string): string[] {
  return [...hash('sha256', message, 'buffer').subarray(0, 8)].map((byte) => `${words[byte % words.length]} `);
}
