/** A turn from the outside: real server, real sockets, scripted model. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shapeOf } from '../support/client.ts';
import { startModelServer } from '../support/model-server.ts';
import { startParley } from '../support/parley.ts';

describe('a turn', () => {
  test('is acknowledged, streamed and completed', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    const parley = await startParley(t, { modelUrl: model.url });
    const client = await parley.connect();
    const turn = await client.chat('Hi', { conversation_id: 'c1' });
    assert.deepEqual(shapeOf(turn.frames), ['processing', 'text', 'complete']);
    assert.equal(turn.text, 'Hello from the scripted model.');
    assert.deepEqual(model.violations, []);
  });
});
