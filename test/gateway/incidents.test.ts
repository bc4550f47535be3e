/** Tests that an attack is visible: sockets that the server closes and requests that it rejects are counted and logged. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { createIncidentReport } from '../../src/observability/incident-report.ts';
import { eventually } from '../support/eventually.ts';
import { readMetrics } from '../support/metrics.ts';
import { startParley, type Parley } from '../support/parley.ts';

async function open(t: TestContext, parley: Parley, path = '/ws/chat'): Promise<WebSocket> {
  const socket = new WebSocket(new URL(path, parley.url));
  t.after(() => socket.terminate());
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return socket;
}

const countsUp = (parley: Parley, series: string, count: number) =>
  eventually(async () => (await readMetrics(parley.url)).get(series) === count, `${series} to be ${count}`);

describe('the metrics', () => {
  it('count the sockets that the server closes, by reason', async (t) => {
    const websocket = { max_message_size: 1024, max_bad_frames: 1, frame_burst: 3, frames_per_second: 1 };
    const parley = await startParley(t, { config: { chat: { websocket } } });
    const attacks: Record<string, (socket: WebSocket) => void> = {
      frame_size: (socket) => socket.send('x'.repeat(2000)),
      binary_frame: (socket) => socket.send(Buffer.from('x')),
      bad_frames: (socket) => ['a', 'b'].forEach((each) => socket.send(each)),
      frame_rate: (socket) => {
        for (let id = 0; id < 4; id += 1) socket.send(JSON.stringify({ request_id: `r${id}`, action: 'ping' }));
      },
    };
    for (const [reason, attack] of Object.entries(attacks)) {
      const socket = await open(t, parley);
      attack(socket);
      await countsUp(parley, `parley_sockets_closed_total{reason="${reason}"}`, 1);
    }
  });

  it('count the sockets of viewers that the server closes too', async (t) => {
    const parley = await startParley(t, { config: { chat: { websocket: { frame_burst: 3, frames_per_second: 1 } } } });
    const attacks: Record<string, (socket: WebSocket) => void> = {
      frame_size: (socket) => socket.send('x'.repeat(2000)),
      frame_rate: (socket) => {
        for (let id = 0; id < 4; id += 1) socket.send('x');
      },
    };
    for (const [reason, attack] of Object.entries(attacks)) {
      const socket = await open(t, parley, '/inspect/events?conversation=c1');
      attack(socket);
      await countsUp(parley, `parley_sockets_closed_total{reason="${reason}"}`, 1);
    }
  });

  it('count the requests that get an error, by code', async (t) => {
    const parley = await startParley(t);
    const socket = await open(t, parley);
    socket.send('no JSON');
    socket.send(JSON.stringify({ request_id: 'r1', action: 'history', payload: { conversation_id: 'none' } }));
    await countsUp(parley, 'parley_frames_refused_total{code="invalid_json"}', 1);
    await countsUp(parley, 'parley_frames_refused_total{code="not_found"}', 1);
  });
});

describe('the report of incidents', () => {
  it('logs one line a minute for each reason, with the number of suppressed ones', () => {
    const lines: Record<string, string | number>[] = [];
    const counted: string[] = [];
    let now = 5;
    const report = createIncidentReport({
      count: { socketClosed: (reason) => counted.push(reason), frameRefused: ({ code }) => counted.push(code) },
      log: (fields, message) => lines.push({ ...fields, message }),
      nowMs: () => now,
    });
    for (let each = 0; each < 3; each += 1) report.socketClosed('frame_rate');
    report.frameRefused({ code: 'invalid_json', data: {} });
    now += 60_000;
    report.socketClosed('frame_rate');
    assert.equal(counted.length, 5);
    assert.deepEqual(lines, [
      { reason: 'frame_rate', suppressed: 0, message: 'socket closed' },
      { reason: 'invalid_json', suppressed: 0, message: 'frame refused' },
      { reason: 'frame_rate', suppressed: 2, message: 'socket closed' },
    ]);
  });
});
