/** Tests which reads of clients run, which wait, and which are rejected. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as tick, setTimeout } from 'node:timers/promises';
import { createReadPermits, type ReadingSocket } from '../../src/scheduling/read-permits.ts';

function scene({ socket = 1, subject = 2, waiting = 10, stall = 60_000 } = {}) {
  const reads = createReadPermits({
    maxReadsPerSocket: socket,
    maxReadsPerSubject: subject,
    maxWaitingReads: waiting,
    stallMs: stall,
  });
  const begun: string[] = [];
  const closed: string[] = [];
  const ends = new Map<string, () => void>();
  const sockets = new Map<string, ReadingSocket & { slow: boolean; drain(): void }>();
  const socketOf = (id: string) => {
    let drained = () => {};
    const known = sockets.get(id) ?? {
      id,
      slow: false,
      unsentBytes: () => 1,
      closeStalled() {
        closed.push(id);
        this.drain();
      },
      isSlow: () => sockets.get(id)?.slow ?? false,
      whenDrained: (callback: () => void) => void (drained = callback),
      drain() {
        this.slow = false;
        drained();
      },
    };
    sockets.set(id, known);
    return known;
  };
  return {
    reads,
    begun,
    closed,
    socketOf,
    /** Begins a read, written `subject/socket/read`. */
    ask(name: string): Promise<void> {
      const [by = '', id = ''] = name.split('/');
      return reads.run(by, socketOf(`${by}/${id}`), () => {
        begun.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      });
    },
    async end(name: string) {
      ends.get(name)?.();
      await tick();
    },
  };
}

describe('reads of clients', () => {
  it('run one at a time for a socket, a few for a subject, and other subjects do not wait', async () => {
    const { ask, end, begun } = scene();
    for (const name of ['a/1/x', 'a/1/y', 'a/2/x', 'a/3/x', 'b/1/x']) void ask(name);
    await tick();
    assert.deepEqual(begun, ['a/1/x', 'a/2/x', 'b/1/x']);
    await end('a/2/x');
    await end('a/1/x');
    assert.deepEqual(begun.slice(3), ['a/3/x', 'a/1/y']);
  });

  it('do not begin for a slow socket, and end when it has taken the response', async () => {
    const { ask, end, begun, socketOf } = scene({ subject: 1 });
    const socket = socketOf('a/1');
    socket.slow = true;
    void ask('a/1/x');
    void ask('a/2/x');
    await tick();
    assert.deepEqual(begun, []);
    socket.drain();
    await tick();
    assert.deepEqual(begun, ['a/1/x']);
    socket.slow = true;
    await end('a/1/x');
    assert.deepEqual(begun, ['a/1/x']);
    socket.drain();
    await tick();
    assert.deepEqual(begun, ['a/1/x', 'a/2/x']);
  });

  it('of a socket that takes nothing do not hold up the others of its subject', async () => {
    const { ask, begun, closed, socketOf } = scene({ subject: 1, stall: 5 });
    socketOf('a/1').slow = true;
    void ask('a/1/x');
    await setTimeout(20);
    assert.deepEqual(closed, [], 'no other read waits');
    void ask('a/2/x');
    while (closed.length === 0) await setTimeout(5);
    await tick();
    assert.deepEqual([closed, begun], [['a/1'], ['a/1/x']]);
  });

  it('are rejected when too many of their subject wait', async () => {
    const { ask, begun, socketOf } = scene({ waiting: 1 });
    socketOf('a/1').slow = true;
    void ask('a/1/x');
    void ask('a/1/y');
    await assert.rejects(ask('a/1/z'), { code: 'overloaded' });
    void ask('b/1/x');
    await tick();
    assert.deepEqual(begun, ['b/1/x']);
  });
});
