/** Tests requests without a connection or on a dead one: they wait, are sent or fail, within limits. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startBehindProxy } from './behind-proxy.ts';
import { saysStepwise } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient, withCode } from '../support/typed-client.ts';
import { startWire } from './wire-server.ts';

describe('without a connection', () => {
  test('requests wait, and are sent in order with the next one', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    await remote.whenStatus('open');
    proxy.acceptConnections(false);
    proxy.cut();
    await remote.whenStatus('waiting');
    const turns = ['one', 'two', 'three'].map((text) => remote.chat(text));
    const tools = remote.tools();
    proxy.acceptConnections(true);
    await Promise.all([...turns.map((turn) => turn.end), tools]);
    assert.deepEqual(
      model.requests.map(({ body }) => body.messages.at(-1)?.content),
      ['one', 'two', 'three'],
    );
  });

  test('at most a fixed number of requests waits', async (t) => {
    const { proxy, remote } = await startBehindProxy(t);
    proxy.acceptConnections(false);
    proxy.cut();
    await remote.whenStatus('waiting');
    const waiting = Array.from({ length: 512 }, () => remote.ping());
    await assert.rejects(remote.ping(), withCode('too_many_open'));
    await assert.rejects(remote.chat('one more').end, withCode('too_many_open'));
    proxy.acceptConnections(true);
    await Promise.all(waiting);
  });

  test('a chat that was never sent can be cancelled', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    proxy.acceptConnections(false);
    proxy.cut();
    await remote.whenStatus('waiting');
    const turn = remote.chat('Hi');
    assert.deepEqual(await turn.cancel(), { cancelled: [turn.requestId], disposition: 'cancelled' });
    await assert.rejects(turn.end, withCode('aborted'));
    proxy.acceptConnections(true);
    await remote.ping();
    assert.equal(model.requests.length, 0);
  });

  test('a request waits no longer than its timeout', async (t) => {
    const wire = await startWire(t, {});
    const client = connectClient(t, wire.url, { requestTimeoutMs: 30 });
    await assert.rejects(client.tools(), withCode('timed_out'));
  });
});

describe('a request whose response is lost with its connection', () => {
  test('is sent again if it is idempotent, else fails', async (t) => {
    const { proxy, remote } = await startBehindProxy(t);
    await remote.whenStatus('open');
    proxy.freeze();
    const harmless = remote.tools();
    const unknown = remote.request('cancel', { conversation_id: 'c1' });
    proxy.cut();
    await assert.rejects(unknown, withCode('connection_lost'));
    assert.ok(Array.isArray((await harmless).tools));
  });
});

describe('a dead connection', () => {
  test('is detected and replaced; the turn continues', async (t) => {
    const { parley, model } = await startScripted(t);
    const proxy = await startProxy(t, parley.url);
    const remote = connectClient(t, proxy.url, { heartbeatMs: 25 });
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    step.release();
    const turn = remote.chat('count');
    for await (const _ of turn) {
      proxy.freeze();
      step.release();
    }
    assert.equal(await turn.text(), 'one two');
    assert.ok(remote.statuses.some((status) => status.status === 'waiting' && status.reason === 'heartbeat timed out'));
  });

  test('is not confused with a quiet one', async (t) => {
    const probed = Promise.withResolvers<void>();
    const wire = await startWire(t, {
      answer({ request_id }, send, count) {
        send({ request_id, status: 'result', result: {} });
        if (count === 4) probed.resolve();
      },
    });
    const client = connectClient(t, wire.url, { heartbeatMs: 50 });
    await probed.promise;
    assert.deepEqual(new Set(wire.asked.map(({ action }) => action)), new Set(['ping']));
    assert.deepEqual(
      client.statuses.map(({ status }) => status),
      ['connecting', 'open'],
    );
  });
});
