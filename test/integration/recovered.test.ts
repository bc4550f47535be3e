/** Followers of a turn that a restart or kill -9 cut off: they forget what was lost, see it made anew, and end with what the log says. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Client } from '../../src/client/client.ts';
import type { FollowedFrame } from '../../src/client/follow.ts';
import type { Cursor } from '../../src/client/position.ts';
import { sharedOut } from '../support/day.ts';
import { chunksOf, isChunk, isEnd, isEvent, range, readUntil, seqsOf, shownAnswers } from '../support/following.ts';
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
} from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { createScriptedHome } from '../support/scripted-home.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient } from '../support/typed-client.ts';

const r1 = { conversationId: 'c1', requestId: 'r1' };

/** A server process, behind an address that stays when it is replaced by the next one. */
async function startReplaceable(t: TestContext) {
  const { model, home } = await createScriptedHome(t, {
    mcpServers: demoServer,
    config: { shutdown: { drain_timeout: 0.1 } },
  });
  let server = home.start();
  const proxy = await startProxy(t, await server.listening);
  return {
    model,
    url: proxy.url,
    async replace(signal: 'SIGKILL' | 'SIGTERM') {
      proxy.admit(false);
      server.kill(signal);
      await server.exited;
      server = home.start();
      proxy.retarget(await server.listening);
      proxy.admit(true);
    },
  };
}

/** What is shown after all of it is what the log says, and each row came once. */
async function agreesWithLog(client: Client, frames: readonly FollowedFrame[]) {
  const { events, head_seq: head } = await client.history('c1');
  const answers = events.filter(({ type }) => type === 'assistant_message');
  assert.deepEqual(
    [...shownAnswers(frames)],
    answers.map(({ id, content }) => [id, content]),
  );
  assert.deepEqual(seqsOf(frames), range(1, head));
  assert.equal(events.filter(({ extra }) => extra?.['kind'] === 'turn_end').length, 1);
}

const notToday = sharedOut(2);

for (const [at, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
  describe(`after ${signal} in the middle of a message`, { skip: notToday(at) }, () => {
    test('a follower that stayed is told to forget it, and sees the new one made', async (t) => {
      const { model, url, replace } = await startReplaceable(t);
      const anew = saysStepwise('Once upon ', 'a time.');
      model.script(stalls('Once '), anew.reply);
      const sender = connectClient(t, url);
      const turn = sender.chat('a story', r1);
      await turn.accepted;
      const follow = sender.follow('c1');
      const before = await readUntil(follow, isChunk);
      await replace(signal);
      anew.release(2);
      const after = await readUntil(follow, isEnd('r1'));
      const [lost, reset] = [chunksOf(before)[0], chunksOf(after)[0]];
      assert.ok(lost?.type === 'text' && reset?.type === 'reset' && reset.message_id === lost.message_id);
      await agreesWithLog(sender, [...before, ...after]);
      assert.equal(await turn.text(), 'Once upon a time.', 'and so does the sender');
    });

    test('a cursor that was kept within it goes on with the new one, which is still being written', async (t) => {
      const { model, url, replace } = await startReplaceable(t);
      const anew = saysStepwise('Once upon ', 'a time.');
      model.script(stalls('Once '), anew.reply);
      const { before, cursor } = await leaveWithin(t, url);
      await replace(signal);
      await model.request(2);
      anew.release();
      const later = connectClient(t, url);
      const follow = later.follow('c1', { cursor });
      const middle = await readUntil(follow, (frame) => frame.status === 'chunk' && frame.chunk.type === 'text');
      assert.deepEqual(
        chunksOf(middle).map(({ type, data }) => `${type} ${data}`),
        ['reset ', 'text Once upon '],
      );
      anew.release();
      await agreesWithLog(later, [...before, ...middle, ...(await readUntil(follow, isEnd('r1')))]);
    });

    test('a cursor that was kept within it finds the new one finished', async (t) => {
      const { model, url, replace } = await startReplaceable(t);
      model.script(stalls('Once '), says('Once upon a time.'));
      const { before, cursor } = await leaveWithin(t, url);
      await replace(signal);
      const later = connectClient(t, url);
      await later.chat('a story', r1).end;
      const { head_seq: head } = await later.history('c1');
      const after = await readUntil(later.follow('c1', { cursor }), isEvent(head));
      assert.deepEqual(
        chunksOf(after).map(({ type }) => type),
        ['reset'],
      );
      await agreesWithLog(later, [...before, ...after]);
    });
  });
}

/** Follows a turn into its message, and leaves with the cursor. */
async function leaveWithin(t: TestContext, url: string): Promise<{ before: FollowedFrame[]; cursor: Cursor }> {
  const client = connectClient(t, url);
  await client.chat('a story', r1).accepted;
  const follow = client.follow('c1');
  const before = await readUntil(follow, isChunk);
  const cursor = follow.cursor();
  assert.deepEqual([cursor.after_seq, cursor.offset], [1, 5]);
  client.close();
  return { before, cursor };
}

test('after kill -9 between two hops the calls that were made stay, and the last message is made anew', async (t) => {
  const { model, url, replace } = await startReplaceable(t);
  const held = createGate();
  model.script(
    asks([{ name: 'add', arguments: { a: 2, b: 3 } }], { say: 'Let me add. ' }),
    stalls('It is '),
    streams(gate(held), delta({ content: 'It is five.' }), finish('stop'), usage(), done()),
  );
  const client = connectClient(t, url);
  await client.chat('2 + 3?', r1).accepted;
  const follow = client.follow('c1');
  const before = await readUntil(follow, (frame) => frame.status === 'chunk' && frame.chunk.data === 'It is ');
  await replace('SIGKILL');
  held.open();
  const after = await readUntil(follow, isEnd('r1'));
  const { events } = await client.history('c1');
  assert.deepEqual(events.filter(({ type }) => type === 'tool_call').length, 1);
  await agreesWithLog(client, [...before, ...after]);
});
