/** Tests the command `models` against providers on loopback. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { fails, says } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { asks } from '../support/model/tool-calls.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'parley-models-'));
after(() => rmSync(folder, { recursive: true }));

function run(block: Record<string, unknown>, ...args: string[]) {
  return runWith({ active: 'mine', providers: { mine: block } }, ...args);
}

async function runWith(llm: Record<string, unknown>, ...args: string[]) {
  const config = join(folder, 'config.yaml');
  writeFileSync(config, JSON.stringify({ llm }));
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const env = { PATH: process.env['PATH'], MY_KEY: 'key-1' };
    const child = execFile(
      process.execPath,
      [main, 'models', ...args, '--config', config],
      { env },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** A provider that only has `/models`. Records the headers that it gets. */
async function startList(t: TestContext, status: number, body: unknown) {
  const seen: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    seen.push({ ...request.headers, url: request.url });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/v1`, seen };
}

describe('models', () => {
  it('lists what the provider offers, and marks what is configured', async (t) => {
    const { url, seen } = await startList(t, 200, { data: [{ id: 'small' }, { id: 'large' }, { id: 'other' }] });
    const block = { base_url: url, model: 'large', allowed_models: ['small', 'gone'], api_key_env: 'MY_KEY' };
    const { code, stdout } = await run(block);
    assert.equal(code, 0);
    assert.deepEqual(stdout.trimEnd().split('\n').slice(1), [
      '* large',
      '+ small',
      '+ gone   (not in the list of the provider)',
      '  other',
    ]);
    assert.equal(seen[0]?.['authorization'], 'Bearer key-1');
    assert.equal(seen[0]?.['url'], '/v1/models');
  });

  it('asks an endpoint of the Messages API with its own headers', async (t) => {
    const { url, seen } = await startList(t, 200, { data: [{ id: 'claude' }] });
    const { stdout } = await run({ base_url: url, model: 'claude', api: 'messages', api_key_env: 'MY_KEY' });
    assert.match(stdout, /^\* claude$/m);
    assert.equal(seen[0]?.['x-api-key'], 'key-1');
    assert.equal(seen[0]?.['url'], '/v1/models?limit=1000');
  });

  it('lists the models of a preset that has no default model', async (t) => {
    const { url } = await startList(t, 200, { data: [{ id: 'loaded' }] });
    const { code, stdout } = await runWith({ providers: { lmstudio: { base_url: url } } }, 'lmstudio');
    assert.equal(code, 0);
    assert.equal(stdout.trimEnd().split('\n').at(-1), '  loaded');
  });

  it('says why the provider did not answer, without a stack', async (t) => {
    const { url } = await startList(t, 401, { error: { message: 'bad key', type: 'invalid_request_error' } });
    const { code, stdout, stderr } = await run({ base_url: url, model: 'm', api_key_env: 'MY_KEY' });
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^Provider "mine" .*MY_KEY/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it('tries a model: streams, tools, images', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    model.script(says('one two three'), asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('Red.'));
    const { code, stdout } = await run({ base_url: model.url, model: 'm' }, 'mine', '--try');
    assert.equal(code, 0);
    assert.match(stdout, /^m of mine:\n {2}streams {2}yes .*\n {2}tools {4}yes .*\n {2}images {3}yes /);
    assert.deepEqual(model.violations, []);
  });

  it('says what a model does not do', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    model.script(
      says('one'),
      fails(400, 'm does not support tools'),
      says('I cannot.'),
      fails(400, 'this model does not support images'),
      says('I see nothing.'),
    );
    const { stdout } = await run({ base_url: model.url, model: 'm' }, 'mine', 'm', '--try');
    assert.match(stdout, /streams {2}no .*\n {2}tools {4}no .*\n {2}images {3}no /);
  });

  it('ends with 1 if the model cannot be asked', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    model.script(() => fails(404, 'The model `nope` does not exist', { code: 'model_not_found' }));
    const { code, stdout } = await run({ base_url: model.url, model: 'm' }, 'mine', 'nope', '--try');
    assert.equal(code, 1);
    assert.match(stdout, /streams {2}failed {3}Provider "mine"/);
  });
});
