/** Tests that no MCP server outlives its host, also after a kill. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createChildReaper } from '../../src/mcp/transport/child-reaper.ts';
import { isAlive } from '../support/mcp-servers.ts';

/** A killed process leaves its files behind, so the test provides the folder. */
async function startHost(test: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-guard-'));
  test.after(() => rmSync(folder, { recursive: true }));
  const host = spawn(process.execPath, [join(import.meta.dirname, '../support/mcp-host.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  const [line] = await once(createInterface({ input: host.stdout }), 'line');
  return { host, pids: String(line).split(' ').map(Number) };
}

/** Polls, because the end of a process that is not a child causes no event. */
async function vanish(pids: number[]) {
  while (pids.some(isAlive)) await pause(20);
}

const endings = {
  'is killed with SIGKILL': (host: ReturnType<typeof spawn>) => host.kill('SIGKILL'),
  'is ended by SIGTERM': (host: ReturnType<typeof spawn>) => host.kill('SIGTERM'),
  'exits without closing anything': (host: ReturnType<typeof spawn>) => host.stdin?.write('exit\n'),
};

for (const [how, end] of Object.entries(endings)) {
  test(
    `the child reaper ends servers that ignore EOF and SIGTERM, and their children, when their host ${how}`,
    { timeout: 90_000 },
    async (t) => {
      const { host, pids } = await startHost(t);
      assert.deepEqual(pids.map(isAlive), [true, true]);

      end(host);

      await vanish(pids);
    },
  );
}

test('the child reaper does not end released groups', async (t) => {
  const [kept, released] = [0, 1].map(() => spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }));
  assert.ok(kept?.pid && released?.pid);
  t.after(() => released.kill());
  const guard = createChildReaper(assert.fail);
  const died = once(kept, 'exit');

  guard.watch(kept.pid);
  guard.watch(released.pid);
  guard.release(released.pid);
  guard.close();

  assert.deepEqual(await died, [null, 'SIGTERM']);
  assert.equal(isAlive(released.pid), true);
});
