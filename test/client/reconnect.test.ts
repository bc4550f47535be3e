/** Tests connections that are lost at any byte and moment of a turn: the reader notices only a delay. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startBehindProxy } from './behind-proxy.ts';
import {
  createGate,
  delta,
  done,
  finish,
  gate,
  says,
  saysStepwise,
  stalls,
  streams,
  usage,
} from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient, readAll, shownText } from '../support/typed-client.ts';

describe('a turn whose connection is lost', () => {
  test('continues at the position of the reader, without gaps and repetitions', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    const step = saysStepwise('one ', 'two ', 'three ', 'four');
    model.script(step.reply);
    step.release();
    const turn = remote.chat('count');
    const pieces: string[] = [];
    for await (const chunk of turn) {
      assert.equal(chunk.type, 'text');
      pieces.push(chunk.data);
      // Rows that are written without a connection arrive after the reconnect.
      proxy.cut();
      await remote.whenStatus('waiting');
      step.release();
    }
    assert.deepEqual(pieces, ['one ', 'two ', 'three ', 'four']);
    assert.equal(await turn.text(), 'one two three four');
    assert.deepEqual(await turn.accepted, { seq: 1, disposition: 'started' });
    assert.equal(model.requests.length, 1, 'one turn, one request');
  });

  test('stays the same turn wherever the connection breaks', async (t) => {
    const { parley, model } = await startScripted(t, { mcpServers: demoServer });
    let torn = 0;
    // From within the handshake's answer to beyond the end, by steps that meet frames at every place.
    for (let bytes = 40; bytes <= 2_400; bytes += 118) {
      const proxy = await startProxy(t, parley.url);
      const remote = connectClient(t, proxy.url);
      model.script(
        asks([{ name: 'add', arguments: { a: 2, b: 3 } }]),
        says('The sum is \u{1F9EE} five.', { reasoning: 'Adding.', delayMs: 1 }),
      );
      proxy.cutEachAfter(bytes);
      const turn = remote.chat('2 + 3?');
      // The first connection is torn for sure; those after it live.
      await Promise.race([turn.end, remote.whenStatus('waiting')]);
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

  test('repeatedly still makes progress', async (t) => {
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

  test('before the response to its chat runs once, in one conversation', async (t) => {
    const { model, proxy, remote } = await startBehindProxy(t);
    await remote.whenStatus('open');
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
    model.script(
      asks([{ name: 'add', arguments: { a: 1, b: 1 } }]),
      streams(gate(held), delta({ content: 'Two.' }), finish('stop'), usage(), done()),
    );
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

  test('gets the end of a turn that ended meanwhile', async (t) => {
    const { parley, model, proxy, remote } = await startBehindProxy(t);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    step.release();
    const turn = remote.chat('count', { conversationId: 'c1', requestId: 'r1' });
    const pieces: string[] = [];
    for await (const { data } of turn) {
      pieces.push(data);
      if (pieces.length > 1) continue;
      proxy.acceptConnections(false);
      proxy.cut();
      const elsewhere = connectClient(t, parley.url).chat('count', { conversationId: 'c1', requestId: 'r1' });
      step.release();
      await elsewhere.end;
      proxy.acceptConnections(true);
    }
    assert.deepEqual(pieces, ['one ', 'two']);
    assert.equal((await turn.end).metadata.replayed, true);
  });

  test('with the mode "reject" is not rejected because of itself', async (t) => {
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

describe('a server that restarts during a turn', () => {
  test('starts its answer again; the old text is discarded', async (t) => {
    const { parley, model, proxy, remote } = await startBehindProxy(t, {
      config: { shutdown: { drain_timeout: 0.1 } },
    });
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

  test('sends a reset for the text to discard', async (t) => {
    const { parley, model, proxy, remote } = await startBehindProxy(t, {
      config: { shutdown: { drain_timeout: 0.1 } },
    });
    model.script(stalls('Once '), says('Again.'));
    const turn = remote.chat('a story');
    const seen: string[] = [];
    for await (const chunk of turn) {
      seen.push(chunk.type === 'text' ? `${chunk.type} ${chunk.data}` : chunk.type);
      if (seen.length > 1) continue;
      await parley.restart();
      proxy.retarget(parley.url);
    }
    assert.deepEqual(seen, ['text Once ', 'reset', 'text Again.']);
    assert.equal(await turn.text(), 'Again.');
  });
});
