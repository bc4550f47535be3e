/** Waits for a condition by polling. */
import { setTimeout as pause } from 'node:timers/promises';

const TIMEOUT_MS = 180_000;

/**
 * Resolves with the result of `look` as soon as that is neither null nor false. Throws after three minutes; `what` is for
 * the message.
 */
export async function eventually<Found>(
  look: () => Found | null | false | Promise<Found | null | false>,
  what: string,
): Promise<Found> {
  for (const deadline = performance.now() + TIMEOUT_MS; performance.now() < deadline; await pause(20)) {
    const found = await look();
    if (found !== null && found !== false) return found;
  }
  throw new Error(`time ran out while waiting for ${what}`);
}
