/** Connections that fall, at any byte and any moment of a turn: the reader notices nothing but time. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createGate, delta, done, finish, gate, says, saysStepwise, stalls, streams, usage } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startScripted, type ParleyOptions } from '../support/parley.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient, readAll, shownText, withCode } from '../support/typed-client.ts';
import { startWire } from '../support/wire-server.ts';

async function startBehindProxy(t: TestContext, options: Omit<ParleyOptions, 'modelUrl'> = {}) {
  const scripted = await startScripted(t, options);
  const proxy = await startProxy(t, scripted.parley.url);
  return { ...scripted, proxy, remote: connectClient(t, proxy.url) };
}

describe('a turn whose connection falls', () => {
  test('goes on where the reader was, without gap or repeat', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    const step = saysStepwise('one ', 'two ', 'three ', 'four');
    model.script(step.reply);
    step.release();
    const turn = remote.chat('count');
    const pieces: string[] = [];
    for await (const chunk of turn) {
      assert.equal(chunk.type, 'text');
      pieces.push(chunk.data);
      // What is said while nobody is connected is there after the return.
      proxy.cut();
      await remote.until('waiting');
      step.release();
    }
    assert.deepEqual(pieces, ['one ', 'two ', 'three ', 'four']);
    assert.equal(await turn.text(), 'one two three four');
    assert.deepEqual(await turn.accepted, { seq: 1, disposition: 'started' });
    assert.equal(model.requests.length, 1, 'one turn, one request');
  });

  test('is the same turn wherever the wire is torn', async (t) => {
    const { parley, model } = await startScripted(t, { mcpServers: demoServer });
    let torn = 0;
    // From within the handshake's answer to beyond the end, by steps that meet frames at every place.
    for (let bytes = 40; bytes <= 2_400; bytes += 118) {
      const proxy = await startProxy(t, parley.url);
      const remote = connectClient(t, proxy.url);
      model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('The sum is \u{1F9EE} five.', { reasoning: 'Adding.', delayMs: 1 }));
      proxy.cutEachAfter(bytes);
      const turn = remote.chat('2 + 3?');
      // The first connection is torn for sure; those after it live.
      await Promise.race([turn.end, remote.until('waiting')]);
      proxy.cutEachAfter(null);
      const chunks = await readAll(turn);
      assert.equal(shownText(chunks), 'The sum is \u{1F9EE} five.', `torn after ${bytes} bytes`);
      assert.deepEqual(
        chunks.filter(({ type }) => type !== 'text').map(({ type, data }) => `${type} ${data}`),
        ['tool_call {"a":2,"b":3}', 'tool_result 5', 'reasoning Adding.'],
        `torn after ${bytes} bytes`,
      );
      if (remote.statuses.some(({ status }) => status === 'waiting')) torn += 1;
      remote.close();
    }
    assert.ok(torn > 12, `only ${torn} were torn`);
    assert.equal(model.requests.length % 2, 0, 'no turn ran twice');
  });

  test('over and over makes progress all the same', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    const words = Array.from({ length: 60 }, (_, index) => `w${index}`).join(' ');
    model.script(says(words, { delayMs: 2 }));
    // Room for the handshake, `processing` and a few chunks.
    proxy.cutEachAfter(1_500);
    const turn = remote.chat('many words');
    assert.equal(await turn.text(), words);
    assert.ok(proxy.accepted > 2, `${proxy.accepted} connections`);
    assert.equal(model.requests.length, 1);
  });

  test('before the answer to its chat runs once, in one conversation', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    await remote.until('open');
    proxy.freeze();
    const turn = remote.chat('Hi');
    proxy.cut();
    assert.equal(await turn.text(), 'Hello from the scripted model.');
    assert.equal(model.requests.length, 1);
    const { events } = await remote.history(remote.conversationId);
    assert.deepEqual(events.filter(({ type }) => type === 'user_message').length, 1);
  });

  test('during a long tool call gets the result once', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t, { mcpServers: demoServer });
    const held = createGate();
    model.script(asks([{ name: 'add', arguments: { a: 1, b: 1 } }]), streams(gate(held), delta({ content: 'Two.' }), finish('stop'), usage(), done()));
    const turn = remote.chat('1 + 1?');
    const types: string[] = [];
    for await (const chunk of turn) {
      types.push(chunk.type);
      if (chunk.type !== 'tool_result') continue;
      proxy.cut();
      held.open();
    }
    assert.deepEqual(types, ['tool_call', 'tool_result', 'text']);
  });

  test('comes back to a turn that ended meanwhile', async (t) => {
    const { model, proxy, remote, client } = await startBehindProxy(t);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    step.release();
    const turn = remote.chat('count', { conversationId: 'c1', requestId: 'r1' });
    const pieces: string[] = [];
    for await (const { data } of turn) {
      pieces.push(data);
      if (pieces.length > 1) continue;
      proxy.admit(false);
      proxy.cut();
      client.send('chat', { text: 'count', conversation_id: 'c1' }, 'r1');
      step.release();
      await client.turn('r1');
      proxy.admit(true);
    }
    assert.deepEqual(pieces, ['one ', 'two']);
    assert.equal((await turn.end).metadata.replayed, true);
  });

  test('with the mode "reject" is not refused for being busy with itself', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    step.release();
    const turn = remote.chat('count', { mode: 'reject' });
    for await (const _ of turn) {
      proxy.cut();
      step.release();
    }
    assert.equal(await turn.text(), 'one two');
  });
});

describe('a server that restarts in the middle of a turn', () => {
  test('begins its answer anew; what was shown of the old one is taken back', async (t) => {
    const { parley, model, proxy, remote } = await startBehindProxy(t, { config: { shutdown: { drain_timeout: 0.1 } } });
    model.script(stalls('Once upon '), says('A new answer.'));
    const turn = remote.chat('a story');
    const reading = readAll(turn);
    await model.request(1);
    await turn.accepted;
    await parley.restart();
    proxy.retarget(parley.url);
    const chunks = await reading;
    assert.equal(shownText(chunks), 'A new answer.');
    assert.equal(await turn.text(), 'A new answer.');
    assert.equal((await turn.end).metadata.finish_reason, 'stop');
    assert.ok(remote.statuses.some((status) => status.status === 'waiting' && status.code === 1012));
  });

  test('tells a reader by a reset which text to forget', async (t) => {
    const { parley, model, proxy, remote } = await startBehindProxy(t, { config: { shutdown: { drain_timeout: 0.1 } } });
    model.script(stalls('Once '), says('Anew.'));
    const turn = remote.chat('a story');
    const seen: string[] = [];
    for await (const chunk of turn) {
      seen.push(chunk.type === 'text' ? `${chunk.type} ${chunk.data}` : chunk.type);
      if (seen.length > 1) continue;
      await parley.restart();
      proxy.retarget(parley.url);
    }
    assert.deepEqual(seen, ['text Once ', 'reset', 'text Anew.']);
    assert.equal(await turn.text(), 'Anew.');
  });
});

describe('without a connection', () => {
  test('requests wait and are sent in order with the next one', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    await remote.until('open');
    proxy.admit(false);
    proxy.cut();
    await remote.until('waiting');
    const turns = ['one', 'two', 'three'].map((text) => remote.chat(text));
    const tools = remote.tools();
    proxy.admit(true);
    await Promise.all([...turns.map((turn) => turn.end), tools]);
    assert.deepEqual(model.requests.map(({ body }) => body.messages.at(-1)?.content), ['one', 'two', 'three']);
  });

  test('no more than a bounded number waits', async (t) => {
    const { proxy, remote } = await startBehindProxy(t);
    proxy.admit(false);
    proxy.cut();
    await remote.until('waiting');
    const waiting = Array.from({ length: 512 }, () => remote.ping());
    await assert.rejects(remote.ping(), withCode('too_many_open'));
    await assert.rejects(remote.chat('one more').end, withCode('too_many_open'));
    proxy.admit(true);
    await Promise.all(waiting);
  });

  test('a chat that was never sent can be taken back', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    proxy.admit(false);
    proxy.cut();
    await remote.until('waiting');
    const turn = remote.chat('Hi');
    assert.deepEqual(await turn.cancel(), { cancelled: [turn.requestId], disposition: 'cancelled' });
    await assert.rejects(turn.end, withCode('aborted'));
    proxy.admit(true);
    await remote.ping();
    assert.equal(model.requests.length, 0);
  });

  test('a request waits no longer than its timeout', async (t) => {
    const wire = await startWire(t, {});
    const client = connectClient(t, wire.url, { requestTimeoutMs: 30 });
    await assert.rejects(client.tools(), withCode('timed_out'));
  });
});

describe('a request whose answer is lost with its connection', () => {
  test('is asked again if a repeat is harmless, and else given up', async (t) => {
    const { proxy, remote } = await startBehindProxy(t);
    await remote.until('open');
    proxy.freeze();
    const harmless = remote.tools();
    const unknown = remote.request('cancel', { conversation_id: 'c1' });
    proxy.cut();
    await assert.rejects(unknown, withCode('connection_lost'));
    assert.ok(Array.isArray((await harmless).tools));
  });
});

describe('a wire that is dead without a word', () => {
  test('is noticed and replaced; the turn goes on', async (t) => {
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
    assert.ok(remote.statuses.some((status) => status.status === 'waiting' && status.reason === 'the server fell silent'));
  });

  test('and a quiet one is not taken for it', async (t) => {
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
    assert.deepEqual(client.statuses.map(({ status }) => status), ['connecting', 'open']);
  });
});

const processing = (requestId: string) => ({ request_id: requestId, status: 'processing', conversation_id: 'c1', seq: 1, metadata: { disposition: 'started' } });
const text = (requestId: string, offset: number, data: string) => ({ request_id: requestId, status: 'chunk', conversation_id: 'c1', chunk: { type: 'text', message_id: 'm1', offset, data } });
const complete = (requestId: string) => ({ request_id: requestId, status: 'complete', conversation_id: 'c1', seq: 3, metadata: {} });
const refusal = (requestId: string, code: string, retryable: boolean) => ({ request_id: requestId, status: 'error', conversation_id: 'c1', error: { code, message: 'Not now.', retryable, data: { retry_after_ms: 1 } } });

describe('a stream that does not fit together', () => {
  test('is asked for again from where it broke', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id }, send, count) {
        send(processing(id));
        if (count === 1) {
          send(text(id, 0, 'one '));
          send(text(id, 8, 'three'));
        } else {
          send(text(id, 2, 'e two three'));
        }
        send(complete(id));
      },
    });
    const turn = connectClient(t, wire.url).chat('count', { conversationId: 'c1' });
    assert.equal(await turn.text(), 'one two three');
    assert.deepEqual(wire.asked[1]?.payload['cursor'], { after_seq: 1, message_id: 'm1', offset: 4, reasoning_offset: 0 });
  });

  test('again and again is given up with an error', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id }, send) {
        send(processing(id));
        send(text(id, 8, 'three'));
      },
    });
    await assert.rejects(connectClient(t, wire.url).chat('count', { conversationId: 'c1' }).end, withCode('unexpected_answer'));
  });
});

describe('a turn that the server has accepted', () => {
  test('is asked for again when it is refused for a while', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id }, send, count) {
        if (count === 1) {
          send(processing(id));
          send(refusal(id, 'conversation_failed', true));
        } else if (count < 4) {
          send(refusal(id, 'shutting_down', true));
        } else {
          send(processing(id));
          send(text(id, 0, 'done'));
          send(complete(id));
        }
      },
    });
    assert.equal(await connectClient(t, wire.url).chat('Hi', { conversationId: 'c1' }).text(), 'done');
    assert.equal(wire.asked.length, 4);
  });

  test('is given up when it is refused for good', async (t) => {
    const wire = await startWire(t, {
      answer({ request_id: id }, send, count) {
        if (count === 1) send(processing(id));
        send(refusal(id, count === 1 ? 'conversation_failed' : 'request_id_reused', count === 1));
      },
    });
    await assert.rejects(connectClient(t, wire.url).chat('Hi', { conversationId: 'c1' }).end, withCode('request_id_reused'));
  });
});
