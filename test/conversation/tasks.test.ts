/**
 * Checks calls that MCP servers run as tasks in the whole server: they survive SIGKILL, ask people, are cancelled by a
 * Stop, and time out.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { sharedOut } from '../support/daily-sample.ts';
import { eventually } from '../support/eventually.ts';
import { nextInterrupt, toolResultsIn } from '../support/interrupts.ts';
import { createTaskServer, listenForTasks, type TaskEra } from '../support/mcp-task-server.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { createScriptedTempHome, type TempHome } from '../support/temp-home.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connectClient, readAll } from '../support/typed-client.ts';

const program = join(import.meta.dirname, '..', 'support', 'mcp-task-server.ts');
const chat = ['Do the job', { conversationId: 'c1', requestId: 'r1' }] as const;

async function startHome(t: TestContext, transport: 'stdio' | 'http', era: TaskEra, tools: object = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-tasks-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'tasks.json');
  const listening = transport === 'http' ? await listenForTasks(file, era) : null;
  t.after(() => listening?.stop());
  const works = listening
    ? { url: listening.url }
    : { command: process.execPath, args: [program], env: { TASK_FILE: file, TASK_ERA: era } };
  const { model, home } = await createScriptedTempHome(t, {
    mcpServers: { works },
    config: { chat: { service: { tools } }, mcp: { tasks: { min_poll_interval: 0.02 } } },
  });
  const { read } = createTaskServer(file, era);
  const sees = (method: string) =>
    eventually(() => (read().seen.includes(method) ? true : null), `${method}; so far ${read().seen.join(', ')}`);
  return {
    model,
    home,
    board: read,
    sees,
    times: (method: string) => read().seen.filter((each) => each === method).length,
  };
}

const job = (args: object) => asks([{ name: 'job', arguments: { ...args } }]);

async function kill(home: TempHome, until: (url: string) => Promise<unknown>) {
  const server = home.start();
  await until(await server.listening);
  server.kill('SIGKILL');
  await server.exited;
}

const notToday = sharedOut(4);
const transports = ['stdio', 'http'] as const;
const eras = ['2026-07-28', '2025-11-25'] as const;
for (const [at, { transport, era }] of transports
  .flatMap((transport) => eras.map((era) => ({ transport, era })))
  .entries())
  test(
    `a task over ${transport} (${era}) survives SIGKILL: Parley waits for the same one, and calls once`,
    { skip: notToday(at) },
    async (t) => {
      const { model, home, sees, times } = await startHome(t, transport, era);
      model.script(job({ polls: 40 }), says('The job is done.'));
      await kill(home, async (url) => {
        connectClient(t, url).chat(...chat);
        await sees('tasks/get job-1');
      });
      const client = connectClient(t, await home.start().listening);
      const chunks = await readAll(client.chat(...chat));
      assert.deepEqual(
        toolResultsIn(chunks).map(({ status, data }) => [status, data]),
        [['ok', 'The job is done: {}']],
      );
      assert.equal(times('tools/call'), 1);
      assert.equal(model.requests.length, 2);
    },
  );

describe('a task that asks people', () => {
  test('survives SIGKILL with its question, and goes on with the answer', async (t) => {
    const { model, home, times } = await startHome(t, 'http', '2026-07-28');
    model.script(job({ asks: ['place'] }), says('Done.'));
    let interruptId = '';
    await kill(home, async (url) => {
      const client = connectClient(t, url);
      client.chat(...chat);
      ({ interrupt_id: interruptId } = await nextInterrupt(client));
    });
    const client = connectClient(t, await home.start().listening);
    const turn = client.chat(...chat);
    assert.equal((await nextInterrupt(client)).interrupt_id, interruptId);
    await client.respond('c1', { interruptId, decision: 'answer', content: { place: 'here' } });
    const chunks = await readAll(turn);
    assert.match(String(toolResultsIn(chunks)[0]?.data), /"place":"here"/);
    assert.deepEqual([times('tools/call'), times('tasks/update job-1')], [1, 1]);
  });
});

describe('a Stop', () => {
  test('cancels a running task at its server', async (t) => {
    const { model, home, sees, board } = await startHome(t, 'http', '2026-07-28');
    model.script(job({ polls: 100_000 }));
    const client = connectClient(t, await home.start().listening);
    const turn = client.chat(...chat);
    await sees('tasks/get job-1');
    await client.cancel('c1', 'r1');
    assert.equal(toolResultsIn(await readAll(turn))[0]?.status, 'cancelled');
    await sees('tasks/cancel job-1');
    assert.equal(board().tasks['job-1']?.isCancelled, true);
  });

  test('cancels a task that waits for a person', async (t) => {
    const { model, home, sees } = await startHome(t, 'http', '2026-07-28');
    model.script(job({ asks: ['place'] }));
    const client = connectClient(t, await home.start().listening);
    client.chat(...chat);
    await nextInterrupt(client);
    await client.cancel('c1', 'r1');
    await sees('tasks/cancel job-1');
  });
});

test('a task that takes too long is cancelled at its server, and its call has timed out', async (t) => {
  const { model, home, sees } = await startHome(t, 'http', '2026-07-28', { task_timeout: 0.5 });
  model.script(job({ polls: 100_000 }), says('It takes too long.'));
  const client = connectClient(t, await home.start().listening);
  const chunks = await readAll(client.chat(...chat));
  assert.deepEqual(
    toolResultsIn(chunks).map(({ status }) => status),
    ['timed_out'],
  );
  await sees('tasks/cancel job-1');
});

test('the end of the process leaves a task running', async (t) => {
  const { model, home, sees, times } = await startHome(t, 'http', '2026-07-28');
  model.script(job({ polls: 60 }), says('The job is done.'));
  const server = home.start();
  const url = await server.listening;
  connectClient(t, url).chat(...chat);
  await sees('tasks/get job-1');
  server.kill('SIGTERM');
  await server.exited;
  const client = connectClient(t, await home.start().listening);
  assert.equal(await client.chat(...chat).text(), 'The job is done.');
  assert.deepEqual([times('tools/call'), times('tasks/cancel job-1')], [1, 0]);
});
