/** Who may look into whose conversations where everybody has a token. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { eventsUrl, refusedWatcher, watch } from '../support/inspection.ts';
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

test('a viewer by name sees the conversations of all; nobody else sees any, not even their own', async (t) => {
  const parley = await startParley(t, { config: { auth, inspect: { viewers: ['root'] } } });
  const url = eventsUrl(parley, 'c1', 'alice');
  assert.match((await refusedWatcher(url)).reason, /needs the token of a viewer/);
  assert.match((await refusedWatcher(url, by(createToken()))).reason, /needs the token of a viewer/);
  assert.match(
    (await refusedWatcher(url, by(tokens.alice))).reason,
    /"alice" may not view the inspector; add it to inspect.viewers/,
  );

  const watcher = await watch(parley, 'c1', { owner: 'alice', protocols: ['parley', `parley.token.${tokens.root}`] });
  const client = await parley.connect(by(tokens.alice));
  await client.chat('Hi', { conversation_id: 'c1' });
  await watcher.waitFor((message) => message.type === '@xstate.actor' && message.name === 'c1', "Alice's conversation");
});

test('without an owner the viewer means its own conversation', async (t) => {
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
