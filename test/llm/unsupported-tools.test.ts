/** Checks that a turn at a model without tools is answered, and that its followers get a notice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { demoServer } from '../support/parley.ts';
import { fails, says } from '../support/model/replies.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

describe('a turn at a model that rejects tools', () => {
  it('is answered without tools, with one notice and no retry', async (t) => {
    const { client, model } = await startTyped(t, { mcpServers: demoServer });
    model.script(({ body }) => (body.tools ? fails(400, 'gemma3:4b does not support tools') : says('Hello!')));
    const turn = client.chat('Hi', { conversationId: 'c1' });
    const notices = (await readAll(turn)).filter(({ type }) => type === 'notice');
    assert.deepEqual(notices, [
      {
        type: 'notice',
        kind: 'tools_unsupported',
        data: 'Model "scripted-model" of provider "scripted" takes no tools. It is asked without them.',
        provider: 'scripted',
      },
    ]);
    assert.equal(await turn.text(), 'Hello!');
    assert.equal(await client.chat('Again', { conversationId: 'c2' }).text(), 'Hello!');
    assert.deepEqual(
      model.requests.map(({ body }) => body.tools !== undefined),
      [true, false, false],
    );
  });
});
