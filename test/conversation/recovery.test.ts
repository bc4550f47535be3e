/** Checks that the next start resumes what kill -9 interrupted, with or without a returning client. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Cursor } from '../../src/client/position.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { says, saysStepwise, stalls } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { misbehavingServer } from '../support/parley.ts';
import { createScriptedTempHome, type TempHomeOptions } from '../support/temp-home.ts';
import { connectClient, readAll, shownText, withCode } from '../support/typed-client.ts';

const r1 = { conversationId: 'c1', requestId: 'r1' };

async function scene(t: TestContext, options: TempHomeOptions = {}) {
  const { model, home } = await createScriptedTempHome(t, options);
  return {
    model,
    home,
    /** Starts a server, and kills it when the turn shows such a chunk. Returns the position of its sender. */
    async killAt(type: Chunk['type']): Promise<Cursor> {
      const server = home.start();
      const client = connectClient(t, await server.listening);
      const turn = client.chat('Hi', r1);
      for await (const chunk of turn) if (chunk.type === type) break;
      server.kill('SIGKILL');
      await server.exited;
      client.close();
      return turn.cursor();
    },
    /** A client of the next server. */
    comeBack: async () => connectClient(t, await home.start().listening),
  };
}

const service = (settings: object) => ({ config: { chat: { websocket: { port: 0 }, service: settings } } });

describe('after kill -9', () => {
  test('a turn in the middle of a stream is asked again without a client, and its sender finds the answer', async (t) => {
    const { model, killAt, home } = await scene(t);
    model.script(stalls('never '), says('The whole answer.'));
    const cursor = await killAt('text');
    const second = home.start();
    await model.request(2);
    const chunks = await readAll(connectClient(t, await second.listening).chat('Hi', { ...r1, cursor }));
    assert.equal(chunks[0]?.type, 'reset', 'what was shown of the lost message is taken back');
    assert.equal(shownText(chunks), 'The whole answer.');
  });

  test('a dispatched call does not run again: its outcome is unknown, and the turn continues', async (t) => {
    const { model, killAt, comeBack } = await scene(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'hang' }]), says('I cannot tell.'));
    await killAt('tool_call');
    const turn = (await comeBack()).chat('Hi', r1);
    const chunks = await readAll(turn);
    assert.deepEqual(
      chunks.flatMap((chunk) => (chunk.type === 'tool_result' ? [chunk.status] : [])),
      ['outcome_unknown'],
    );
    assert.equal(shownText(chunks), 'I cannot tell.');
    assert.equal((await turn.end).metadata.tool_hops, 1);
  });

  test('an idempotent call runs once more', async (t) => {
    const { model, killAt, comeBack } = await scene(t, { mcpServers: misbehavingServer() });
    model.script(asks([{ name: 'slow', arguments: { ms: 700 } }]), says('Done.'));
    await killAt('tool_call');
    const chunks = await readAll((await comeBack()).chat('Hi', r1));
    assert.deepEqual(
      chunks.flatMap((chunk) => (chunk.type === 'tool_result' ? [chunk.status] : [])),
      ['ok'],
    );
    assert.deepEqual(
      chunks.flatMap((chunk) => (chunk.type === 'tool_call' ? [chunk.attempt] : [])),
      [1, 2],
    );
  });

  test('an acknowledged cancel holds', async (t) => {
    const { model, home, comeBack } = await scene(t);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    const first = home.start();
    const client = connectClient(t, await first.listening);
    const turn = client.chat('Hi', r1);
    step.release();
    for await (const _ of turn) break;
    await turn.cancel();
    first.kill('SIGKILL');
    await first.exited;
    client.close();
    assert.equal((await (await comeBack()).chat('Hi', r1).end).metadata.finish_reason, 'cancelled');
    assert.equal(model.requests.length, 1, 'the model is not asked again');
  });

  test('a turn that the configuration does not resume ends with a reason', async (t) => {
    const { model, killAt, comeBack } = await scene(t, service({ recovery: { mode: 'interrupt' } }));
    model.script(stalls('never '));
    await killAt('text');
    await assert.rejects((await comeBack()).chat('Hi', r1).end, {
      code: 'recovery_failed',
      message: /restarted.*new request_id/,
    });
  });

  test('a turn that every restart interrupts ends after the maximum number of recoveries', async (t) => {
    const { model, killAt, comeBack } = await scene(t, service({ recovery: { attempts: 1 } }));
    model.script(() => stalls('never '));
    for (const _ of ['its own server', 'the one that took it up']) await killAt('text');
    await assert.rejects(
      (await comeBack()).chat('Hi', r1).end,
      (error) => withCode('recovery_failed')(error) && /interrupted this turn 2 times/.test(String(error)),
    );
  });
});

test('the log alone is enough to continue', async (t) => {
  const { home, model, comeBack } = await scene(t);
  model.script(says('Hello.'));
  const server = home.start();
  const client = connectClient(t, await server.listening);
  await client.chat('Hi', r1).end;
  server.kill('SIGKILL');
  await server.exited;
  client.close();
  assert.ok(readFileSync(join(home.folder, 'events.db')).length > 0);
  assert.equal((await (await comeBack()).history('c1')).head_seq, 3);
});
