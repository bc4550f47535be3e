/**
 * Checks that clients which stop reading during large answers do not increase the server's memory, and miss nothing. It
 * uses plain sockets, which can be paused; the shipped client always reads.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { done, finish, streams, text, usage } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { createTempHome } from '../support/temp-home.ts';

const MIB = 1024 * 1024;
const READERS = 200;
const ANSWER_BYTES = 16 * MIB;
/**
 * Without a bound each reader would hold the 12 MiB that the kernel does not take, 2.4 GiB in all. The answer itself is
 * held a few times, as text, row and frame.
 */
const ALLOWED_BYTES = 512 * MIB;

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

test(
  'memory stays flat while clients do not read, and a client that reads on gets the whole text',
  { skip: !existsSync('/proc/self/status') && 'memory is read from /proc' },
  async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    const piece = 'x'.repeat(64 * 1024);
    const answer = () =>
      streams(
        text(...Array.from({ length: ANSWER_BYTES / piece.length }, () => piece)),
        finish('stop'),
        usage(),
        done(),
      );
    const home = await createTempHome(t, { modelUrl: model.url });
    const server = home.start();
    const sender = await server.connect();
    const inC1 = { conversation_id: 'c1' };
    model.script(answer(), answer());
    await sender.chat('warm up', inC1);

    const readers = await Promise.all(Array.from({ length: READERS }, () => server.connect()));
    const head = (await sender.ask('history', { ...inC1, limit: 1 })).result?.['head_seq'];
    await Promise.all(readers.map((reader) => reader.ask('subscribe', { ...inC1, after_seq: head })));
    for (const reader of readers) reader.socket.pause();
    const before = residentBytes(server.pid);
    const turn = await sender.chat('a long tale', inC1);
    assert.equal(turn.text.length, ANSWER_BYTES);
    const grown = residentBytes(server.pid) - before;
    t.diagnostic(`${READERS} readers that do not read: ${(grown / MIB).toFixed(0)} MiB`);
    assert.ok(grown < ALLOWED_BYTES, `${(grown / MIB).toFixed(0)} MiB more`);

    const [reader] = readers;
    assert.ok(reader);
    reader.socket.resume();
    const endSeq = turn.end.seq ?? 0;
    const row = await reader.waitFor(
      (frame) => frame.status === 'event' && frame.seq === endSeq - 1,
      'the row of the answer',
    );
    assert.ok(JSON.stringify(row).includes('x'.repeat(ANSWER_BYTES)));
    await reader.waitFor((frame) => frame.status === 'event' && frame.seq === endSeq, 'the end of the turn');
  },
);
