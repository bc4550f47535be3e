/**
 * Appends at every line from stdin, in a process with a limit on the size of its files, and prints the outcome. Started by
 * disk-faults.test.ts, which lifts the limit from outside.
 */
import { createInterface } from 'node:readline';
import { createActor } from 'xstate';
import { openStore } from '../../src/store/store.ts';
import { owner, row } from './support.ts';

const { store, writerLogic, opened } = openStore({ path: process.argv[2] ?? '' });
createActor(writerLogic, { input: { retryDelaysMs: [1] } }).start();
await opened;

createInterface({ input: process.stdin })
  .on('line', (line) => {
    store.append({ conversationId: 'c', owner, rows: [row({ content: 'x'.repeat(Number(line)) })] }, (outcome) => {
      process.stdout.write(
        `${outcome.status === 'stored' ? `stored ${outcome.rows[0]?.seq}` : outcome.status === 'failed' ? outcome.fault.code : outcome.status}\n`,
      );
    });
  })
  .on('close', () => void store.close());
