/** Tests whole turns over each wire protocol: a tool hop with reasoning, a server that is killed in it, and the turn after. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiNames } from '../../src/llm/api/wire-api.ts';
import { sharedOut } from '../support/daily-sample.ts';
import { freePort } from '../support/free-port.ts';
import { createGate, delta, done, finish, gate, says, streams, usage } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { createTempHome } from '../support/temp-home.ts';
import { connectClient } from '../support/typed-client.ts';

describe('a turn with a tool', () => {
  const notToday = sharedOut(apiNames.length);
  for (const [at, api] of apiNames.entries()) {
    it(
      `goes on after kill -9 over ${api}, with the reasoning that led to its call`,
      { skip: notToday(at) },
      async (t) => {
        const model = await startModelServer();
        t.after(() => model.close());
        const held = createGate();
        model.script(
          asks([{ name: 'add', arguments: { a: 2, b: 3 } }], { say: 'Let me see.' }),
          streams(gate(held), delta({ content: 'never read' }), finish('stop'), usage(), done()),
          says('It is five.'),
          says('You are welcome.'),
        );
        const home = await createTempHome(t, {
          modelUrl: model.url,
          mcpServers: demoServer,
          config: {
            llm: { providers: { scripted: { api } } },
            chat: { websocket: { port: await freePort() } },
          },
        });
        const first = home.start();
        const client = connectClient(t, await first.listening);
        const turn = client.chat('What is 2 + 3?', { conversationId: 'c1' });
        await held.reached;
        first.kill('SIGKILL');
        await first.exited;
        held.open();
        await home.start().listening;
        assert.match(await turn.text(), /It is five\.$/);
        assert.equal(await client.chat('Thanks', { conversationId: 'c1' }).text(), 'You are welcome.');

        assert.deepEqual(model.violations, []);
        assert.equal(model.requests.length, 4);
        const [, before, after, next] = model.requests.map(({ sent }) => JSON.stringify(sent));
        if (api === 'chat') return;
        // The scripted model rejects reasoning that it has not written, or that lacks its call.
        for (const request of [before, after, next]) assert.match(String(request), /sealed-/);
      },
    );
  }
});
