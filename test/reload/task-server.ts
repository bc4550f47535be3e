/** Starts the task server of the proofs about tasks. It stops when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { listenForTasks } from '../support/mcp-task-server.ts';

export async function startTasks(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-tasks-'));
  const server = await listenForTasks(join(folder, 'tasks.json'), '2026-07-28');
  t.after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  return server;
}
