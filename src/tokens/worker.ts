/**
 * The counting thread's own program: gets the rank table, tells it to the main thread, then counts
 * the texts it is sent, in order. A fault here ends the thread; `counting-thread.ts` deals with that.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createEncoder } from './encoder.ts';
import { loadRankSource } from './encodings.ts';
import type { EncodingName } from './encodings.ts';
import { buildRankTable } from './ranks.ts';
import type { RankTable } from './ranks.ts';

/** `table` is there for a thread that replaces a dead one, and saves it the load. */
export interface WorkerStart {
  encoding: EncodingName;
  table: RankTable | null;
}

export interface CountRequest {
  id: number;
  text: string;
}

/** First one `table`, then one `count` for each request. */
export type WorkerReply = { kind: 'table'; table: RankTable } | { kind: 'count'; id: number; tokens: number };

function reply(message: WorkerReply): void {
  parentPort?.postMessage(message);
}

const start: WorkerStart = workerData;
const table = start.table ?? buildRankTable(await loadRankSource(start.encoding));
const { count } = createEncoder(table);
reply({ kind: 'table', table });
// Requests sent while the ranks were loading have waited in the port.
parentPort?.on('message', ({ id, text }: CountRequest) => reply({ kind: 'count', id, tokens: count(text) }));
