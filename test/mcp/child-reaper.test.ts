/** No MCP server outlives us, whatever ends us. */
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

/** Who is killed leaves its files behind, so they lie in a folder of the test's. */
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

/** Nobody tells us of the death of a process that is not our child: looking is the only way. */
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
    `servers that ignore EOF and SIGTERM, and their children, die when their host ${how}`,
    { timeout: 90_000 },
    async (t) => {
      const { host, pids } = await startHost(t);
      assert.deepEqual(pids.map(isAlive), [true, true]);

      end(host);

      await vanish(pids);
    },
  );
}

test('leaves groups alone that were released', async (t) => {
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
