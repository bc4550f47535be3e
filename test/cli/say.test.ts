/** Tests the command `say` in a child process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { fails, says, saysStepwise } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, serveScripted, startParley } from '../support/parley.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

async function start(test: TestContext, url: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, 'say', ...args, '--port', new URL(url).port], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  test.after(() => child.kill('SIGKILL'));
  const [stdout, stderr, ended] = [readText(child.stdout), readText(child.stderr), once(child, 'exit')];
  const result = async () => ({ code: (await ended)[0], stdout: await stdout, stderr: await stderr });
  return { child, result };
}

const say = async (test: TestContext, url: string, args: readonly string[], env?: Record<string, string>) =>
  (await start(test, url, args, env)).result();

describe('say', () => {
  it('prints the answer on stdout, and what tools did on stderr', async (t) => {
    const { parley, model } = await serveScripted(t, { mcpServers: demoServer });
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is \u001b[31m5.'));
    assert.deepEqual(await say(t, parley.url, ['add 2 and 3']), {
      code: 0,
      stdout: 'It is [31m5.\n',
      stderr: 'calls add {"a":2,"b":3}\nadd: 5\n',
    });
  });

  it('reports in one sentence what the provider refuses', async (t) => {
    const { parley, model } = await serveScripted(t, { config: { llm: { retry: { attempts: 1 } } } });
    model.script(fails(401, 'no such key'));
    const { code, stdout, stderr } = await say(t, parley.url, ['Hi']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^Provider "scripted" rejected the request without an API key[^\n]*\n$/);
  });

  it('reports where no server answers, and how to send a token', async (t) => {
    const token = createToken();
    const parley = await startParley(t, {
      config: { auth: { mode: 'token', tokens: [{ subject: 'alice', sha256: hashToken(token) }] } },
    });
    const [gone, none, right] = await Promise.all([
      say(t, 'ws://127.0.0.1:9/', ['Hi']),
      say(t, parley.url, ['Hi']),
      say(t, parley.url, ['Hi'], { PARLEY_TOKEN: token }),
    ]);
    assert.match(gone.stderr, /^No Parley server answers at ws:\/\/localhost:9\/ws\/chat \(tried 5 times\)\.[^\n]*\n$/);
    assert.match(none.stderr, /^This server requires a token\. [^\n]*PARLEY_TOKEN\.\n$/);
    assert.deepEqual([gone.code, none.code, right.code], [1, 1, 0]);
  });

  it('stops a turn that needs a person', async (t) => {
    const { parley, model } = await serveScripted(t, {
      mcpServers: demoServer,
      config: { chat: { service: { tools: { permission: { 'demo.add': 'ask' } } } } },
    });
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]));
    const { code, stderr } = await say(t, parley.url, ['add 2 and 3']);
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^add needs an answer, which this command cannot give: .* The turn is stopped\.\n(?:.*\n)?ended: cancelled\n$/,
    );
  });

  it('stops the turn with Ctrl-C', async (t) => {
    const { parley, model } = await serveScripted(t);
    const answer = saysStepwise('one ', 'two');
    model.script(answer.reply);
    const { child, result } = await start(t, parley.url, ['count']);
    answer.release();
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const { code, stdout, stderr } = await result();
    assert.deepEqual([code, stdout, stderr], [0, 'one \n', 'ended: cancelled\n']);
  });

  it('reads the port and the path from the configuration', async (t) => {
    const parley = await startParley(t, { config: { chat: { websocket: { endpoint: '/talk' } } } });
    const config = join(parley.folder, 'mine.yaml');
    await writeFile(config, `chat: { websocket: { endpoint: /talk } }\n`);
    assert.equal((await say(t, parley.url, ['Hi', '--config', config])).code, 0);
  });
});
