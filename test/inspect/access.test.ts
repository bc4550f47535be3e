/** Checks which conversations a viewer may watch on a server with tokens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { eventsUrl, rejectedWatcher, watch } from '../support/inspection.ts';
import { startParley } from '../support/parley.ts';

const tokens = { root: createToken(), alice: createToken() };
const auth = {
  mode: 'token',
  tokens: [
    { subject: 'root', sha256: hashToken(tokens.root) },
    { subject: 'alice', sha256: hashToken(tokens.alice) },
  ],
};
const by = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test('the access check admits listed viewers to all conversations and rejects every other subject', async (t) => {
  const parley = await startParley(t, { config: { auth, inspect: { viewers: ['root'] } } });
  const url = eventsUrl(parley, 'c1', 'alice');
  assert.match((await rejectedWatcher(url)).reason, /needs the token of a viewer/);
  assert.match((await rejectedWatcher(url, by(createToken()))).reason, /needs the token of a viewer/);
  assert.match(
    (await rejectedWatcher(url, by(tokens.alice))).reason,
    /"alice" may not view the inspector; add it to inspect.viewers/,
  );

  const watcher = await watch(parley, 'c1', { owner: 'alice', protocols: ['parley', `parley.token.${tokens.root}`] });
  const client = await parley.connect(by(tokens.alice));
  await client.chat('Hi', { conversation_id: 'c1' });
  await watcher.waitFor((message) => message.type === '@xstate.actor' && message.name === 'c1', "Alice's conversation");
});

test("an address without an owner selects the viewer's own conversation", async (t) => {
  const parley = await startParley(t, { config: { auth, inspect: { viewers: ['root'] } } });
  const watcher = await watch(parley, 'c1', by(tokens.root));
  const [alice, root] = [await parley.connect(by(tokens.alice)), await parley.connect(by(tokens.root))];
  await alice.chat('Hi', { conversation_id: 'c1' });
  await root.chat('Hi', { conversation_id: 'c1' });
  const chat = await watcher.waitFor(
    (message) => message.type === '@xstate.actor' && message.name === 'c1',
    'its own conversation',
  );
  assert.match(JSON.stringify(chat), /"owner":"root"/);
});
