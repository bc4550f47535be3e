/**
 * Loaded into every server under test with `node --expose-gc --import`: tells its memory after a
 * collection when the bench asks, and ends the server when the bench is gone. Worker threads load it too, and do nothing.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

/**
 * What the probe is asked. A `last-resort` collection gives the pages back to the system too, so that resident memory
 * is what is in use; it throws compiled code away with them, so no time is to be taken after it.
 */
export interface MemoryQuestion {
  flavor?: 'regular' | 'last-resort';
}

async function reportMemory({ flavor = 'regular' }: MemoryQuestion): Promise<void> {
  // What one collection frees may be all that holds the next.
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor });
    await nextTurn();
  }
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heapBytes: heapUsed + external });
}

if (isMainThread) {
  process.on('message', (question: MemoryQuestion) => void reportMemory(question));
  process.once('disconnect', () => process.exit());
}
