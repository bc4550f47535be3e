/** Tests a server with a limit of concurrent calls: order, fairness and calls that give up. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { FairKey } from '../../src/scheduling/fair-semaphore.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { httpServer, startMcpServers } from '../support/mcp-servers.ts';

async function startBusy(t: TestContext, maxConcurrent: number | null, limit = 64) {
  const server = await startHttpServer({ era: 'stateless' });
  t.after(server.stop);
  const box = await startMcpServers([{ ...httpServer('web', server.url), maxConcurrent }], { maxConcurrent: limit });
  t.after(box.stop);
  await box.host.settled();
  /** `owner/conversation/call` */
  const hold = (key: string, options: { signal?: AbortSignal; timeoutMs?: number } = {}) => {
    const [owner = '', ...rest] = key.split('/');
    const place: FairKey = [owner, ...rest];
    return box.call('hold', { key }, { place, ...options });
  };
  return { server, box, hold };
}

describe('a server with a limit of concurrent calls', () => {
  test('gets no more calls, and serves owners in turn, then their conversations', async (t) => {
    const { server, hold } = await startBusy(t, 2);
    const keys = ['a/1/x', 'a/1/y', 'a/1/z', 'a/2/x', 'b/1/x'];
    const calls = keys.map((key) => hold(key));
    const order = ['a/1/x', 'a/1/y', 'b/1/x', 'a/1/z', 'a/2/x'];
    for (const [done, ended] of order.entries()) {
      const begun = order.slice(0, done + 2);
      for (const key of begun) await server.sees(key);
      assert.deepEqual(server.seen.toSorted(), begun.toSorted());
      // By its key: two calls at once may arrive in either order.
      server.letGo(ended);
      await calls[keys.indexOf(ended)];
    }
    assert.deepEqual(
      (await Promise.all(calls)).map(({ status }) => status),
      keys.map(() => 'ok'),
    );
  });

  test('uses the configured limit if its block has none', async (t) => {
    const { server, hold } = await startBusy(t, null, 1);
    const first = hold('a/1/x');
    const second = hold('a/1/y');
    await server.sees('a/1/x');
    assert.deepEqual(server.seen, ['a/1/x']);
    server.letGo();
    await first;
    await server.sees('a/1/y');
    server.letGo();
    assert.equal((await second).status, 'ok');
  });

  test('never receives a call that timed out or was cancelled while it waited', async (t) => {
    const { server, hold } = await startBusy(t, 1);
    const first = hold('a/1/x');
    await server.sees('a/1/x');

    const late = hold('a/1/late', { timeoutMs: 200 });
    const abort = new AbortController();
    const stopped = hold('a/1/stopped', { signal: abort.signal });
    abort.abort();

    assert.deepEqual(await stopped, { status: 'cancelled' });
    assert.deepEqual(await late, {
      status: 'not_sent',
      text: 'The call was not made: the MCP server "web" has reached its limit of concurrent calls.',
    });
    server.letGo();
    await first;
    const next = hold('a/1/next');
    await server.sees('a/1/next');
    server.letGo();
    await next;
    assert.deepEqual(server.seen, ['a/1/x', 'a/1/next']);
  });
});
