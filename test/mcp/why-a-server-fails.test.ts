/** Tests that the list of servers and the log say why a program does not start, without stacks and secrets. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startTimeoutOf } from '../../src/mcp/start-timeout.ts';
import { createOutputTail } from '../../src/mcp/content/output-tail.ts';
import { openMcpServers } from '../support/mcp-open.ts';
import { httpServer, startMcpServers, stdioServer } from '../support/mcp-servers.ts';

const program = (code: string) => ({ ...stdioServer('one'), args: ['-e', code] });

describe('the list of servers', () => {
  const cases: [what: string, server: ReturnType<typeof stdioServer>, said: RegExp][] = [
    [
      'the missing key',
      program('console.error("Error: BRAVE_API_KEY is required"); process.exit(1)'),
      /^exited with code 1; its last output: Error: BRAVE_API_KEY is required$/,
    ],
    ['the missing module', { ...stdioServer('one'), args: ['/nowhere/index.js'] }, /Cannot find module/],
    [
      'the missing command',
      { ...stdioServer('one'), command: 'no-such-command' },
      /The command "no-such-command" was not found/,
    ],
    ['the missing folder', { ...stdioServer('one'), cwd: '/nowhere' }, /The folder "\/nowhere" \(cwd\) does not exist/],
  ];
  for (const [what, server, said] of cases) {
    it(`names ${what}`, async (t) => {
      const box = await openMcpServers(t, [server], { maxReconnectAttempts: 0 });
      const error = box.host.statuses()[0]?.error ?? '';
      assert.match(error, said);
      assert.doesNotMatch(error, /node:internal|\bat /);
      assert.match(String(box.host.outputOf('one')), /./);
    });
  }

  it('does not show the secrets of the block', async (t) => {
    const server = program('console.error(`key ${process.env.MY_TOKEN} in ${process.env.FOLDER}`); process.exit(1)');
    const env = { MY_TOKEN: 'hunter2hunter2', FOLDER: '/srv/shared' };
    const box = await openMcpServers(t, [{ ...server, env }], { maxReconnectAttempts: 0 });
    assert.equal(box.host.statuses()[0]?.error, 'exited with code 1; its last output: key [secret] in /srv/shared');
  });
});

describe('the kept output of a program', () => {
  it('is bounded, keeps the last lines, and keeps old lines until a new start writes some', () => {
    const tail = createOutputTail((line) => line);
    assert.equal(tail.text(), null);
    for (let line = 0; line < 100; line += 1) tail.add(`${line} ${'x'.repeat(500)}`);
    assert.ok((tail.text() ?? '').length <= 1_000);
    assert.match(tail.text() ?? '', /99 x/);
    tail.startAgain();
    assert.match(tail.text() ?? '', /99 x/);
    tail.add('\u001b[31mnew\u001b[0m');
    assert.equal(tail.text(), 'new');
  });
});

describe('the time that a server may take to start', () => {
  const limits = { connectionTimeoutMs: 10, programStartTimeoutMs: 60, fetchTimeoutMs: 300 };
  const timeOf = (command: string, ...args: string[]) =>
    startTimeoutOf({ ...stdioServer('one'), command, args }, limits).startTimeoutMs;

  it('is longest for programs that may have to be fetched', () => {
    const fetching = [
      'npx -y x',
      'uvx x',
      'docker run -i x',
      '/usr/bin/podman run x',
      'C:\\tools\\npx.cmd x',
      'pnpm dlx x',
      'npm exec x',
      'uv run x',
      'bun x y',
      'cmd /c npx x',
      'env A=1 npx x',
    ];
    for (const line of fetching) assert.equal(timeOf(...(line.split(' ') as [string])), 300, line);
    assert.equal(timeOf('sh', '-c', 'cd /srv && exec npx -y x'), 300);
    for (const line of ['node index.js', 'python -m server', 'npm start', 'pnpm run x'])
      assert.equal(timeOf(...(line.split(' ') as [string])), 60, line);
  });

  it('is that of the block if it states one, and that of the connection over HTTP', () => {
    const stated = startTimeoutOf({ ...stdioServer('one'), startTimeoutMs: 5 }, limits);
    assert.deepEqual(stated, { startTimeoutMs: 5, startTimeoutKey: '"start_timeout" in its block' });
    assert.equal(startTimeoutOf(httpServer('web', 'http://127.0.0.1/'), limits).startTimeoutMs, 10);
    assert.equal(startTimeoutOf(stdioServer('one'), { ...limits, connectionTimeoutMs: 90 }).startTimeoutMs, 90);
  });
});

it('a program that is slow to start is started once, is reported as slow, and becomes ready', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-slow-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const startFile = join(folder, 'start');
  const box = await startMcpServers([stdioServer('one', { TEST_START_FILE: startFile })], {
    connectionTimeoutMs: 50,
    programStartTimeoutMs: 60_000,
    toolsWaitMs: 0,
  });
  t.after(box.stop);
  // Turns do not wait for it.
  await box.host.settled();
  while (box.host.statuses()[0]?.error === null) await new Promise((resolve) => setTimeout(resolve, 20));
  const [status] = box.host.statuses();
  assert.equal(status?.state, 'connecting');
  assert.match(
    status?.error ?? '',
    /^is still starting: no answer within 0.05 s \(mcp\.connection\.connection_timeout\), Parley waits up to 60 s \("start_timeout" in its block, or mcp\.connection\.start_timeout\)/,
  );
  writeFileSync(startFile, '');
  await box.reaches('one', 'ready');
  assert.equal(box.host.statuses()[0]?.error, null);
});
