/**
 * Runs inside every server under test (`node --expose-gc --import`): reports its memory after a collection when the
 * bench asks, and exits when the bench is gone. Worker threads load it too, without effect.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

/**
 * Question to the probe. A `last-resort` collection also returns pages to the system, so that resident memory is memory
 * in use. It discards compiled code too, so times measured afterwards are not valid.
 */
export interface MemoryQuestion {
  flavor?: 'regular' | 'last-resort';
}

async function reportMemory({ flavor = 'regular' }: MemoryQuestion): Promise<void> {
  // Objects that one collection frees may hold further ones.
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
