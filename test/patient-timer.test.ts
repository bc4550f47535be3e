/** Tests timers after a pause of the process, which a blocked thread stands for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { startPatientTimer } from '../src/patient-timer.ts';

/** A socket whose peer, in a thread of its own, sends one byte when it is asked to. */
async function startPeer(t: TestContext) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const socket = require('node:net').connect(${address.port}, '127.0.0.1');
     parentPort.on('message', () => socket.write('x'));`,
    { eval: true },
  );
  const [socket] = (await once(server, 'connection')) as [Socket];
  t.after(async () => {
    await worker.terminate();
    socket.destroy();
    server.close();
  });
  return { socket, send: () => worker.postMessage('send') };
}

function block(ms: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('a patient timer', () => {
  test('reads what arrived during a pause before it is due', async (t) => {
    const { socket, send } = await startPeer(t);
    const events: string[] = [];
    const due = Promise.withResolvers<void>();
    socket.on('data', () => events.push('data'));
    startPatientTimer(() => {
      events.push('due');
      due.resolve();
    }, 50);
    send();
    block(1_500);
    await due.promise;
    assert.deepEqual(events, ['data', 'due']);
  });

  test('can be stopped by what arrived during the pause', async (t) => {
    const { socket, send } = await startPeer(t);
    let isDue = false;
    const timer = startPatientTimer(() => (isDue = true), 50);
    const data = once(socket, 'data');
    send();
    block(1_500);
    await data;
    timer.stop();
    await pause(100);
    assert.equal(isDue, false);
  });

  test('is due without a pause, and stops', async () => {
    await new Promise<void>((resolve) => startPatientTimer(resolve, 1));
    let isDue = false;
    startPatientTimer(() => (isDue = true), 1).stop();
    await pause(20);
    assert.equal(isDue, false);
  });
});
