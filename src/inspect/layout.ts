/** Lays graphs out in a thread that lives no longer than that takes. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ElkNode } from 'elkjs/lib/elk-api.js';

/** The library's own code takes a third of this. */
const MAX_HEAP_MEGABYTES = 256;

/** The same graphs with places and sizes. Rejects with whatever ended the thread before it was done. */
export async function layOut(graphs: readonly ElkNode[]): Promise<readonly ElkNode[]> {
  const worker = new Worker(new URL('layout-thread.ts', import.meta.url), {
    name: 'layout', workerData: graphs, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MEGABYTES },
  });
  // A thread that throws makes an error event, at which `once` rejects.
  const [laidOut]: ElkNode[][] = await once(worker, 'message');
  await worker.terminate();
  return laidOut ?? [];
}
