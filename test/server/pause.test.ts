/**
 * Stops a server process for longer than its timeouts, as a laptop that sleeps does. What arrives meanwhile waits in
 * its sockets and pipes, and counts.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { saysStepwise, says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { misbehavingServer } from '../support/parley.ts';
import { createScriptedTempHome } from '../support/temp-home.ts';

/** Longer than each timeout below. */
const PAUSE_MS = 4_000;
const retry = { attempts: 1 };

describe('a pause of the server process', () => {
  test('does not end an answer whose rest arrives meanwhile', async (t) => {
    const { model, home } = await createScriptedTempHome(t, {
      config: {
        llm: { retry, stall_timeout: 2 },
        chat: { websocket: { ping_interval: 1, ping_timeout: 1 } },
      },
    });
    const server = home.start();
    const client = await server.connect();
    const held = saysStepwise('Once ', 'upon a time.');
    model.script(held.reply);
    client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
    held.release(1);
    await client.waitFor(({ chunk }) => chunk?.type === 'text', 'the first words');
    server.kill('SIGSTOP');
    held.release();
    await pause(PAUSE_MS);
    server.kill('SIGCONT');
    const turn = await client.turn('r1');
    assert.deepEqual([turn.end.status, turn.text], ['complete', 'Once upon a time.']);
    assert.equal((await client.chat('Still there?', { conversation_id: 'c1' })).end.status, 'complete');
  });

  test('does not end an answer that begins meanwhile', async (t) => {
    const { model, home } = await createScriptedTempHome(t, { config: { llm: { retry, first_byte_timeout: 2 } } });
    const server = home.start();
    const client = await server.connect();
    const held = saysStepwise('Hello.');
    model.script(held.reply);
    client.send('chat', { text: 'Hi' }, 'r1');
    await model.request(1);
    server.kill('SIGSTOP');
    held.release();
    await pause(PAUSE_MS);
    server.kill('SIGCONT');
    const turn = await client.turn('r1');
    assert.deepEqual([turn.end.status, turn.text], ['complete', 'Hello.']);
  });

  test('does not end a tool call whose result arrives meanwhile', async (t) => {
    const { model, home } = await createScriptedTempHome(t, {
      mcpServers: misbehavingServer(),
      config: { chat: { service: { tools: { timeout: 2 } } } },
    });
    const server = home.start();
    const client = await server.connect();
    model.script(asks([{ name: 'slow', arguments: { ms: 1_000 } }]), says('Done.'));
    client.send('chat', { text: 'Hi' }, 'r1');
    await client.waitFor(({ chunk }) => chunk?.type === 'tool_call', 'the call');
    // The call is sent right after its announcement.
    await pause(200);
    server.kill('SIGSTOP');
    await pause(PAUSE_MS);
    server.kill('SIGCONT');
    await client.turn('r1');
    const result = client.frames.find(({ chunk }) => chunk?.type === 'tool_result');
    assert.equal(result?.chunk?.['status'], 'ok');
  });
});
