/**
 * Attacks with reads of the log, from another process, while another subject pings. Asserts on memory, not on speed.
 * Without limits the server grows by gigabytes.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sharedOut } from '../support/daily-sample.ts';
import { large, startAttacked } from './attacked-server.ts';

const MIB = 1024 * 1024;
const history = (id: number) =>
  JSON.stringify({ action: 'history', request_id: `h${id}`, payload: { conversation_id: large.conversationId } });
const again = JSON.stringify({
  action: 'chat',
  request_id: large.requestId,
  payload: { conversation_id: large.conversationId, text: large.text },
});
const subscribe = (id: number) =>
  JSON.stringify({
    action: 'subscribe',
    request_id: `s${id}`,
    payload: { conversation_id: large.conversationId, after_seq: 0 },
  });
const times = (count: number, frame: (id: number) => string) => Array.from({ length: count }, (_, id) => frame(id));

describe('the memory of a server', { skip: process.platform === 'linux' ? false : 'reads /proc' }, () => {
  const notToday = sharedOut(3);
  for (const [at, { name, attack }] of [
    { name: 'history frames of a socket that reads', attack: { sockets: 1, frames: times(200, history), reads: true } },
    { name: 'history frames of 20 sockets', attack: { sockets: 20, frames: times(200, history), reads: true } },
    {
      name: 'history frames of 20 sockets that take no response',
      attack: { sockets: 20, frames: times(200, history), reads: false },
    },
    {
      name: 'a finished chat that is sent again',
      attack: { sockets: 5, frames: times(200, () => again), reads: true },
    },
    { name: 'subscriptions', attack: { sockets: 5, frames: times(200, subscribe), reads: false } },
  ].entries()) {
    it(`stays within bounds during ${name}, and others are served`, { skip: notToday(at) }, async (t) => {
      const server = await startAttacked(t, { resultBytes: 15 * MIB });
      const { pings, grownBytes } = await server.during(attack, 4);
      t.diagnostic(
        `${pings.length} pings, p50 ${pings.at(pings.length / 2)?.toFixed()} ms, last ${pings.at(-1)?.toFixed()} ms, grown ${(grownBytes / MIB).toFixed()} MiB`,
      );
      assert.ok(pings.length > 0);
      assert.ok(grownBytes < 500 * MIB, `the server grew by ${(grownBytes / MIB).toFixed()} MiB`);
    });
  }
});
