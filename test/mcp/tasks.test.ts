/**
 * Checks calls that a real MCP server runs as tasks, over both transports and at both revisions that have tasks: how
 * they are polled, end, ask people, are cancelled, and are given up.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Resumption } from '../../machines/conversation/question-types.ts';
import type { CallEnd, FollowOptions } from '../../src/mcp/port.ts';
import { httpServer, startMcpServers, stdioServer, type TestOptions } from '../support/mcp-servers.ts';
import { createTaskServer, listenForTasks, type TaskEra } from '../support/mcp-task-server.ts';

const program = join(import.meta.dirname, '..', 'support', 'mcp-task-server.ts');

interface Arguments {
  polls?: number;
  ends?: 'ok' | 'error' | 'failed' | 'cancelled' | 'gone' | 'plain';
  asks?: string[];
  pollIntervalMs?: number;
  notifies?: boolean;
}

async function startTasks(t: TestContext, transport: 'stdio' | 'http', era: TaskEra, options: TestOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-tasks-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'tasks.json');
  const listening = transport === 'http' ? await listenForTasks(file, era) : null;
  t.after(() => listening?.stop());
  const protocol = { revision: era };
  const block = listening
    ? httpServer('desk', listening.url, protocol)
    : { ...stdioServer('desk', { TASK_FILE: file, TASK_ERA: era }), args: [program], protocol };
  const servers = await startMcpServers([block], options);
  t.after(servers.stop);
  await servers.host.settled();
  const follow = (resume: Resumption, changes: Partial<FollowOptions> = {}): Promise<CallEnd> => {
    assert.ok(resume.task);
    return servers.host.followTask('desk', {
      signal: new AbortController().signal,
      timeoutMs: 10_000,
      taskTimeoutMs: 10_000,
      isFresh: true,
      onProgress: () => undefined,
      onLog: () => undefined,
      requestInput: () => null,
      ...changes,
      resume: { ...resume, task: resume.task },
    });
  };
  const callTask = async (args: Arguments): Promise<Resumption> => {
    const end = await servers.callTool(servers.tool('job'), { ...args });
    assert.equal(end.status, 'task', JSON.stringify(end));
    return { requestState: null, answered: [], questions: 0, workedMs: 0, task: end.task };
  };
  return {
    servers,
    stopServer: listening?.stop,
    follow,
    callTask,
    board: createTaskServer(file, era).read,
    headers: listening?.headers ?? [],
  };
}

const textOf = (end: CallEnd) => ('text' in end ? end.text : end.status);

for (const transport of ['stdio', 'http'] as const)
  for (const era of ['2026-07-28', '2025-11-25'] as const)
    describe(`a call that a server of ${era} runs as a task over ${transport}`, () => {
      test('is polled until it ends, and has the result of the task', async (t) => {
        const { follow, callTask, board } = await startTasks(t, transport, era);
        const end = await follow(await callTask({ polls: 3 }));
        assert.deepEqual([end.status, textOf(end)], ['ok', 'The job is done: {}']);
        assert.equal(board().seen.filter((method) => method === 'tasks/get job-1').length, 4);
        assert.equal(board().seen.filter((method) => method === 'tools/call').length, 1);
      });

      for (const [ends, says] of [
        ['error', /^The job went wrong$/],
        ['cancelled', /has cancelled the task of this call: The operator has cancelled it\./],
        ['gone', /does not know the task of this call any more.*Task has expired.*may have taken effect/],
      ] as const)
        test(`is an error for the model when it ends as ${ends}`, async (t) => {
          const { follow, callTask } = await startTasks(t, transport, era);
          const end = await follow(await callTask({ ends }));
          assert.equal(end.status, 'error');
          assert.match(textOf(end), says);
        });

      test('is cancelled at the server on request', async (t) => {
        const { servers, callTask, board } = await startTasks(t, transport, era);
        const { task } = await callTask({ polls: 1_000 });
        await servers.host.cancelTask('desk', task?.id ?? '');
        assert.equal(board().tasks['job-1']?.isCancelled, true);
      });

      test('goes on when Parley stops waiting for it', async (t) => {
        const { follow, callTask, board } = await startTasks(t, transport, era);
        const stop = new AbortController();
        const waiting = follow(await callTask({ polls: 1_000 }), { signal: stop.signal });
        stop.abort();
        assert.equal((await waiting).status, 'cancelled');
        assert.equal(board().tasks['job-1']?.isCancelled, false);
      });
    });

for (const transport of ['stdio', 'http'] as const)
  describe(`a task of 2026-07-28 over ${transport}`, () => {
    test('is suspended to ask people, and gets each answer once', async (t) => {
      const { follow, callTask, board } = await startTasks(t, transport, '2026-07-28');
      const asked = await follow(await callTask({ asks: ['place', 'day'] }));
      assert.equal(asked.status, 'suspended');
      assert.deepEqual(
        asked.inputRequests.map(({ key, ask }) => [key, ask.kind]),
        [
          ['place', 'form'],
          ['day', 'form'],
        ],
      );
      const answered = asked.inputRequests.map((each) => ({
        ...each,
        answer: { action: 'accept' as const, content: { [each.key]: 'here' } },
      }));
      const end = await follow({ ...asked.resume, answered }, { isFresh: false });
      assert.match(textOf(end), /"place":\{"action":"accept","content":\{"place":"here"\}\}/);
      assert.equal(board().seen.filter((method) => method === 'tasks/update job-1').length, 1);
    });

    test('that failed is an error with the words of the server', async (t) => {
      const { follow, callTask } = await startTasks(t, transport, '2026-07-28');
      const end = await follow(await callTask({ ends: 'failed' }));
      assert.equal(end.status, 'error');
      assert.match(textOf(end), /The task at the MCP server "desk" failed: The machine is on fire\./);
    });

    test('is left to the server: a call may also have its result at once', async (t) => {
      const { servers } = await startTasks(t, transport, '2026-07-28');
      const end = await servers.callTool(servers.tool('job'), { ends: 'plain' });
      assert.deepEqual([end.status, textOf(end)], ['ok', 'no task was needed']);
    });
  });

for (const era of ['2026-07-28', '2025-11-25'] as const)
  test(`a notification of a server of ${era} about its task triggers a poll at once`, async (t) => {
    const { follow, callTask } = await startTasks(t, 'stdio', era, { maxPollIntervalMs: 3_600_000 });
    const end = await follow(await callTask({ polls: 0, pollIntervalMs: 3_600_000, notifies: true }));
    assert.equal(end.status, 'ok');
  });

describe('the time between two polls', () => {
  const elapsed = async (t: TestContext, pollIntervalMs: number, options: TestOptions) => {
    const { follow, callTask } = await startTasks(t, 'http', '2026-07-28', options);
    const resume = await callTask({ polls: 1, pollIntervalMs });
    const sinceMs = performance.now();
    await follow(resume);
    return performance.now() - sinceMs;
  };

  test('is at least the minimum, also when the server names a shorter one', async (t) => {
    assert.ok((await elapsed(t, 1, { minPollIntervalMs: 150 })) >= 299);
  });

  test('is at most the maximum, also when the server names a longer one', async (t) => {
    assert.ok((await elapsed(t, 100_000, { maxPollIntervalMs: 20 })) < 50_000);
  });
});

test('a server of 2026-07-28 gets the id of the task as a header, by which proxies route', async (t) => {
  const { follow, callTask, headers } = await startTasks(t, 'http', '2026-07-28');
  await follow(await callTask({}));
  const polls = headers.filter((each) => each['mcp-method'] === 'tasks/get');
  assert.ok(polls.length > 0 && polls.every((each) => each['mcp-name'] === 'job-1'));
});

test('a task at a server that is not reachable any more has an unknown outcome', async (t) => {
  const { follow, callTask, stopServer } = await startTasks(t, 'http', '2026-07-28', { maxReconnectAttempts: 0 });
  const resume = await callTask({ polls: 1_000 });
  const waiting = follow(resume);
  await stopServer?.();
  assert.equal((await waiting).status, 'lost');
});
