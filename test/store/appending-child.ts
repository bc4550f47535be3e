/**
 * Appends until the process is killed, and prints each acknowledged row: one line `conversation seq id`. Started by
 * faults.test.ts.
 */
import { createActor } from 'xstate';
import { openStore } from '../../src/store/store.ts';
import { owner, row } from './support.ts';

const { store, writerLogic } = openStore({ path: process.argv[2] ?? '' });
createActor(writerLogic).start();

function appendOn(conversationId: string): void {
  store.append({ conversationId, owner, rows: [row(), row()] }, (outcome) => {
    if (outcome.status !== 'stored') return process.exit(1);
    for (const stored of outcome.rows) process.stdout.write(`${conversationId} ${stored.seq} ${stored.id}\n`);
    appendOn(conversationId);
  });
}

for (let index = 0; index < 20; index += 1) appendOn(`c${index}`);
