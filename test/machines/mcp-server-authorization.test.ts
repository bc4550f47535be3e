/** Tests the MCP server chart with servers that a person has to authorize. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { start } from '../support/machine-mcp-server.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a server that needs authorization', () => {
  test('has the sign-in page while it waits for a person, and connects afterwards', async () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.actor.send({ type: 'server.authorizeUrl', url: 'https://login.example/' });
    assert.deepEqual(
      [box.context.authorizeUrl, box.context.lastError],
      ['https://login.example/', 'needs a person to sign in with a browser'],
    );

    box.authorizations[0]?.resolve();
    await turn();

    assert.deepEqual([box.state, box.context.authorizeUrl, box.connections.opened], ['connecting', null, 2]);
  });

  test('connects again, for a new link, after the timeout', () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.clock.increment(60_000);
    assert.equal(box.state, 'connecting');
    box.actor.send({ type: 'server.unauthorized' });
    assert.deepEqual([box.state, box.authorizations.length], ['authorizing', 2]);
  });

  test('fails with the reason when the person denies', async () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.authorizations[0]?.reject(new Error('was not authorized'));
    await turn();
    assert.deepEqual([box.state, box.context.lastError], ['failed', 'was not authorized']);
  });

  test('fails after it rejected two authorizations, and tries again later', async () => {
    const box = start();
    for (const round of [0, 1]) {
      box.actor.send({ type: 'server.unauthorized' });
      box.authorizations[round]?.resolve();
      await turn();
    }
    box.actor.send({ type: 'server.unauthorized' });
    assert.deepEqual(
      [box.state, box.context.lastError],
      ['failed', 'rejects the authorization that it has just issued'],
    );

    box.clock.increment(9_000);
    box.actor.send({ type: 'server.unauthorized' });
    assert.equal(box.state, 'authorizing');
  });

  test('may request more scopes again each time that it was ready in between', async () => {
    const box = start();
    for (const round of [0, 1, 2]) {
      box.actor.send({ type: 'server.unauthorized' });
      box.authorizations[round]?.resolve();
      await turn();
      box.becomeReady();
    }
    assert.equal(box.state, 'healthy');
  });
});
