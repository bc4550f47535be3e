/**
 * The layout thread's own program: lays out the graphs it was started with, tells the outcome and ends. The library
 * takes half a second to load and draw, which the main thread does not have.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import elk from 'elkjs/lib/elk.bundled.js';

const graphs: ElkNode[] = workerData;
const library = new elk.default();
const laidOut: ElkNode[] = [];
for (const graph of graphs) laidOut.push(await library.layout(graph));
parentPort?.postMessage(laidOut);
