/** Tests servers that require a token: how the client sends it, how rejections are reported, and who owns a turn. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { connect } from '../../src/client/client.ts';
import { saysStepwise } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient, readAll, withCode } from '../support/typed-client.ts';
import { startWire } from './wire-server.ts';

const [ann, bob] = [createToken(), createToken()];

function startWithTokens(t: TestContext) {
  const tokens = [
    { subject: 'ann', sha256: hashToken(ann) },
    { subject: 'bob', sha256: hashToken(bob) },
  ];
  return startScripted(t, { config: { auth: { mode: 'token', tokens } } });
}

describe('a token', () => {
  test('is offered as a subprotocol; without one nothing is offered', async (t) => {
    const offers: (string | undefined)[] = [];
    const wire = await startWire(t, {
      greet: (_, __, request) => void offers.push(request.headers['sec-websocket-protocol']),
      answer: ({ request_id }, send) => send({ request_id, status: 'result', result: {} }),
    });
    await connectClient(t, wire.url, { token: 'parley_abc-_' }).ping();
    await connectClient(t, wire.url).ping();
    assert.deepEqual(offers, ['parley, parley.token.parley_abc-_', undefined]);
  });

  test('gives access, also after a lost connection', async (t) => {
    const { parley, model } = await startWithTokens(t);
    const proxy = await startProxy(t, parley.url);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    step.release();
    const turn = connectClient(t, proxy.url, { token: ann }).chat('count');
    for await (const _ of turn) {
      proxy.cut();
      step.release();
    }
    assert.equal(await turn.text(), 'one two');
    assert.ok(proxy.accepted > 1);
  });

  test('separates subjects: the same ids are two turns', async (t) => {
    const { parley, model } = await startWithTokens(t);
    const r1 = { conversationId: 'c1', requestId: 'r1' };
    const turns = [ann, bob].map((token) => connectClient(t, parley.url, { token }).chat('Hi', r1));
    for (const { accepted, end } of turns) {
      assert.equal((await accepted).disposition, 'started');
      assert.equal((await end).metadata.replayed, undefined);
    }
    assert.equal(model.requests.length, 2);
  });

  for (const { what, options } of [
    { what: 'that the server does not know', options: { token: createToken() } },
    { what: 'that is not sent', options: {} },
  ]) {
    test(`${what} ends the connection without reconnect, and all promises reject with the reason`, async (t) => {
      const { parley } = await startWithTokens(t);
      const client = connectClient(t, parley.url, options);
      const turn = client.chat('Hi');
      const { status } = await client.whenStatus('closed');
      assert.equal(status, 'closed');
      await assert.rejects(turn.end, withCode('unauthorized'));
      await assert.rejects(readAll(client.subscribe('c1')), withCode('unauthorized'));
      await assert.rejects(client.ping(), withCode('unauthorized'));
      assert.ok(!client.statuses.some(({ status }) => status === 'waiting'), 'it did not try again');
    });
  }

  test('with invalid characters is rejected by the client', () => {
    assert.throws(() => connect('ws://127.0.0.1:9/', { token: 'two words' }), {
      name: 'ParleyError',
      code: 'invalid_options',
      message: /^The token contains invalid characters\. /,
    });
  });
});
