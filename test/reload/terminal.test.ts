/** Tests SIGHUP of a server in the foreground of a terminal. Needs `script` of util-linux, which opens a terminal. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { stalls } from '../support/model/replies.ts';
import { demoServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { allExited, descendants } from '../support/processes.ts';
import { createScriptedTempHome } from '../support/temp-home.ts';
import { connectClient } from '../support/typed-client.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const skip = /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '')
  ? false
  : 'there is no `script` of util-linux';

/** Its log goes to a file: the terminal will be gone. */
async function startInTerminal(t: TestContext) {
  const { model, home } = await createScriptedTempHome(t, {
    mcpServers: demoServer,
    config: { shutdown: { drain_timeout: 1 }, logging: { format: 'json' } },
  });
  const log = join(home.folder, 'log');
  const command = `exec ${process.execPath} ${main} --config ${join(home.folder, 'config.yaml')} 2> ${log}`;
  const terminal = spawn('script', ['--quiet', '--flush', '--command', command, join(home.folder, 'typescript')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => terminal.kill('SIGKILL'));
  let shown = '';
  terminal.stdout.on('data', (data: Buffer) => (shown += data.toString()));
  const url = await eventually(() => /listens at (ws:\S+)/.exec(shown)?.[1] ?? null, 'the server to listen');
  const [server = 0] = await descendants(terminal.pid ?? 0);
  return { model, terminal, server, url: url.replace('localhost', '127.0.0.1'), readLog: () => readFile(log, 'utf8') };
}

describe('a server in a terminal', { skip }, () => {
  it('drains and ends when the terminal is closed, also after several signals, and leaves nothing running', async (t) => {
    const { model, terminal, server, url, readLog } = await startInTerminal(t);
    model.script(stalls('Once '));
    const turn = connectClient(t, url).chat('tell');
    turn.end.catch(() => undefined);
    for await (const chunk of turn) if (chunk.type === 'text') break;
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    const running = [server, ...(await descendants(server))];

    terminal.kill('SIGKILL');
    await eventually(async () => (await readLog()).includes('"signal":"SIGHUP","msg":"draining'), 'the drain');
    process.kill(server, 'SIGHUP');

    const [code] = await closed;
    assert.equal(code, 1012, 'the drain went its way');
    await allExited(running);
  });

  it('reloads on SIGHUP while the terminal is open', async (t) => {
    const { server, url, readLog } = await startInTerminal(t);
    process.kill(server, 'SIGHUP');
    await eventually(async () => (await readLog()).includes('configuration reloaded'), 'the reload');
    await connectClient(t, url).chat('Hi').end;
  });
});
