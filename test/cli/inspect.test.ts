/** Tests the command `inspect`: it prints addresses of the running server, and why a user may not inspect. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { inspect } from '../../src/cli/inspect.ts';
import { openWatcher } from '../support/inspection.ts';
import { startParley } from '../support/parley.ts';
import { parley as run } from './support.ts';
import { sandbox } from '../store/support.ts';

async function started(t: TestContext, config: Record<string, unknown> = {}) {
  const parley = await startParley(t, { config });
  return {
    parley,
    at: { conversationId: 'c 1', host: 'localhost', port: Number(new URL(parley.url).port), token: null },
  };
}

test('prints where a conversation can be watched', async (t) => {
  const { parley, at } = await started(t);
  const { exitCode, stdout } = await run(sandbox(t).path, 'inspect', 'c 1', '--port', String(at.port));
  assert.equal(exitCode, 0);
  const [page, stately, events] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(line.search(/(?:http|ws):/)));
  for (const address of [page, stately]) assert.match(await (await fetch(address ?? '')).text(), /<title>Parley/);
  const watcher = openWatcher(events ?? '');
  await (await parley.connect()).chat('Hi', { conversation_id: 'c 1' });
  await watcher.waitFor((message) => message.type === '@xstate.actor' && message.name === 'c 1', 'the conversation');
  watcher.socket.close();
});

test('says that no server answers, and that none is inspected', async (t) => {
  await assert.rejects(
    inspect({ conversationId: 'c', host: 'localhost', port: 1, token: null }),
    /No server answers at http:\/\/localhost:1\. Start it with \.\/run\.sh/,
  );
  const { at } = await started(t, { inspect: { enabled: false } });
  await assert.rejects(inspect(at), /does not serve inspection: inspect\.enabled is false/);
});

test('accepts the token of a viewer, and says what other users need', async (t) => {
  const token = createToken();
  const auth = { mode: 'token', tokens: [{ subject: 'root', sha256: hashToken(token) }] };
  const { at } = await started(t, { auth, inspect: { viewers: ['root'] } });
  await assert.rejects(inspect(at), /needs the token of a viewer.*PARLEY_TOKEN/);
  assert.equal((await inspect({ ...at, token })).exitCode, 0);
});
