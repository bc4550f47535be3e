/**
 * Runs the counting thread: builds or gets the rank table, sends it to the main thread, then counts texts in order. An error
 * ends the thread; `counting-thread.ts` restarts it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createEncoder } from './encoder.ts';
import { loadRankSource } from './encodings.ts';
import type { EncodingName } from './encodings.ts';
import { buildRankTable } from './ranks.ts';
import type { RankTable } from './ranks.ts';

/** `table` is set for a thread that replaces another, so that it need not load the ranks. */
export interface WorkerStart {
  encoding: EncodingName;
  table: RankTable | null;
}

/** One text to count. */
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
// Requests that came while the ranks were loading are queued in the port.
parentPort?.on('message', ({ id, text }: CountRequest) => reply({ kind: 'count', id, tokens: count(text) }));
