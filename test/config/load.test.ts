/** Tests which file is read, and from where relative paths start. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { configFolder, loadText, projectDirectory } from './config-folder.ts';

describe('the file that is read', () => {
  test("is the project's own when none is named", async () => {
    const { file } = await loadConfig({ env: {}, cwd: '/', projectDirectory });
    assert.equal(file, join(projectDirectory, 'config', 'config.yaml'));
  });

  test('is the one that PARLEY_CONFIG names, from the current folder', async (t) => {
    const cwd = await configFolder(t, 'chat: { websocket: { port: 9000 } }');
    const { file, config } = await loadConfig({ env: { PARLEY_CONFIG: 'my.yaml' }, cwd, projectDirectory });
    assert.equal(file, join(cwd, 'my.yaml'));
    assert.equal(config.chat.websocket.port, 9000);
  });

  test('is the one of --config when both are named', async (t) => {
    const cwd = await configFolder(t, 'chat: { websocket: { port: 9000 } }');
    const source = { file: 'my.yaml', env: { PARLEY_CONFIG: 'other.yaml' }, cwd, projectDirectory };
    assert.equal((await loadConfig(source)).config.chat.websocket.port, 9000);
  });

  test("is the project's own when PARLEY_CONFIG is empty", async () => {
    const { file } = await loadConfig({ env: { PARLEY_CONFIG: '' }, cwd: '/', projectDirectory });
    assert.equal(file, join(projectDirectory, 'config', 'config.yaml'));
  });

  test('must exist', async (t) => {
    const cwd = await configFolder(t, '');
    await assert.rejects(loadConfig({ file: 'none.yaml', env: {}, cwd, projectDirectory }), {
      code: 'config_invalid',
      message: 'The configuration file none.yaml, which --config names, does not exist.',
    });
    await assert.rejects(loadConfig({ env: { PARLEY_CONFIG: 'none.yaml' }, cwd, projectDirectory }), {
      message: 'The configuration file none.yaml, which PARLEY_CONFIG names, does not exist.',
    });
    await assert.rejects(loadConfig({ file: '.', env: {}, cwd, projectDirectory }), {
      message: `The configuration file ${cwd}, which --config names, is a folder, not a file.`,
    });
  });
});

describe('a file', () => {
  test('leaves every other key at its default', async (t) => {
    const { config } = await loadText(t, 'chat:\n  service:\n    tools:\n      timeout: 5\n');
    assert.equal(config.chat.service.tools.timeout, 5);
    assert.equal(config.chat.service.tools.max_concurrent, 8);
    assert.equal(config.chat.websocket.port, 8000);
    assert.equal(config.mcp.connection.initial_reconnect_delay, 0.5);
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['comments alone', '# port: 9000\n'],
    ['an empty map', '{}'],
  ] as const) {
    test(`may be ${what}`, async (t) => {
      assert.equal((await loadText(t, text)).config.chat.websocket.port, 8000);
    });
  }

  test('may repeat values through anchors', async (t) => {
    const { config } = await loadText(t, 'chat: { service: { idle_timeout: &long 900, tools: { timeout: *long } } }');
    assert.equal(config.chat.service.tools.timeout, 900);
  });
});

describe('relative paths', () => {
  test("start from the file's folder", async (t) => {
    const { file, config } = await loadText(
      t,
      'repository: { path: data/a.db }\nmcp: { config_file: servers.json, roots: [notes, /srv] }',
    );
    assert.deepEqual(config.mcp.roots, [join(file, '..', 'notes'), '/srv']);
    assert.equal(config.repository.path, join(file, '..', 'data', 'a.db'));
    assert.equal(config.mcp.config_file, join(file, '..', 'servers.json'));
  });

  test("start from the project's folder where the file states none", async (t) => {
    const { config } = await loadText(t, 'repository: { synchronous: normal }');
    assert.equal(config.repository.path, join(projectDirectory, 'events.db'));
    assert.equal(config.mcp.config_file, join(projectDirectory, 'config', 'servers_config.json'));
  });

  test("start from the project's folder in the project's own file", async (t) => {
    const project = await configFolder(t, '');
    await mkdir(join(project, 'config'));
    await writeFile(join(project, 'config', 'config.yaml'), 'repository: { path: events.db }');
    const { config } = await loadConfig({ env: {}, cwd: '/', projectDirectory: project });
    assert.equal(config.repository.path, join(project, 'events.db'));
  });

  test('stay unchanged if they are absolute', async (t) => {
    const { config } = await loadText(t, 'repository: { path: /var/lib/parley/events.db }');
    assert.equal(config.repository.path, '/var/lib/parley/events.db');
  });

  test('in PARLEY_SERVERS_CONFIG precede the file and start from the current folder', async (t) => {
    const cwd = await configFolder(t, 'mcp: { config_file: servers.json }');
    const env = { PARLEY_SERVERS_CONFIG: 'mine/mcp.json' };
    const { config } = await loadConfig({ file: 'my.yaml', env, cwd, projectDirectory });
    assert.equal(config.mcp.config_file, join(cwd, 'mine', 'mcp.json'));
  });
});

describe('variables in values', () => {
  test('are filled in', async (t) => {
    const text = 'repository: { path: "${DATA}/events.db" }\nchat:\n  service:\n    system_prompt: ${PROMPT}\n';
    const { config } = await loadText(t, text, { DATA: '/data', PROMPT: 'Be brief: no "quotes", # or : troubles.' });
    assert.equal(config.repository.path, '/data/events.db');
    assert.equal(config.chat.service.system_prompt, 'Be brief: no "quotes", # or : troubles.');
  });

  test('give numbers and booleans without quotes', async (t) => {
    const text = 'chat:\n  websocket:\n    port: ${PORT:-9000}\nlogging:\n  include_content: ${TEXTS}\n';
    const { config } = await loadText(t, text, { TEXTS: 'true' });
    assert.equal(config.chat.websocket.port, 9000);
    assert.equal(config.logging.include_content, true);
  });

  test('give text in quotes', async (t) => {
    const text = 'llm: { providers: { openai: { headers: { x-tenant: "${TENANT}" } } } }';
    const { config } = await loadText(t, text, { TENANT: '12' });
    assert.deepEqual(config.llm.providers.openai.headers, { 'x-tenant': '12' });
  });
});
