/** Waits for a condition by polling. */
import { setTimeout as pause } from 'node:timers/promises';

const TIMEOUT_MS = 60_000;

/** Resolves with what `look` finds, as soon as that is neither null nor false. */
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
