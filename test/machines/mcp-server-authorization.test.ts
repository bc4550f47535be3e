/** The MCP server chart where a person has to let us in. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { start } from '../support/machines/mcp-server.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a server that has to be authorized', () => {
  test('tells the address while it waits for a person, and connects when somebody came', async () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.actor.send({ type: 'server.asks', url: 'https://login.example/' });
    assert.deepEqual(
      [box.context.authorizeUrl, box.context.lastError],
      ['https://login.example/', 'waits for somebody to authorize it in a browser'],
    );

    box.authorizations[0]?.resolve();
    await turn();

    assert.deepEqual([box.state, box.context.authorizeUrl, box.connections.opened], ['connecting', null, 2]);
  });

  test('connects anew, for a new address, when nobody came in time', () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.clock.increment(60_000);
    assert.equal(box.state, 'connecting');
    box.actor.send({ type: 'server.unauthorized' });
    assert.deepEqual([box.state, box.authorizations.length], ['authorizing', 2]);
  });

  test('has failed when the person refused, with the reason', async () => {
    const box = start();
    box.actor.send({ type: 'server.unauthorized' });
    box.authorizations[0]?.reject(new Error('was not authorized'));
    await turn();
    assert.deepEqual([box.state, box.context.lastError], ['failed', 'was not authorized']);
  });

  test('has failed when it refuses what it was given twice, and is asked again later', async () => {
    const box = start();
    for (const round of [0, 1]) {
      box.actor.send({ type: 'server.unauthorized' });
      box.authorizations[round]?.resolve();
      await turn();
    }
    box.actor.send({ type: 'server.unauthorized' });
    assert.deepEqual(
      [box.state, box.context.lastError],
      ['failed', 'refuses the authorization that it was just given'],
    );

    box.clock.increment(9_000);
    box.actor.send({ type: 'server.unauthorized' });
    assert.equal(box.state, 'authorizing');
  });

  test('may be asked for more rights as often as it was ready in between', async () => {
    const box = start();
    for (const round of [0, 1, 2]) {
      box.actor.send({ type: 'server.unauthorized' });
      box.authorizations[round]?.resolve();
      await turn();
      box.becomeReady();
    }
    assert.equal(box.state, 'resting');
  });
});
