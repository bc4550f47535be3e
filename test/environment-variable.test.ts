/** Tests secrets from files, and that a running server keeps none in its environment. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { expandVariables } from '../src/config/environment.ts';
import { readVariable, takeSecrets } from '../src/environment-variable.ts';
import { chooseProviders } from '../src/llm/providers/choose-providers.ts';
import { loadServers } from '../src/mcp/config/servers-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-secrets-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'key');
writeFileSync(file, 'sk-from-a-file\n');

describe('a variable with a secret', () => {
  test('is read from the file that NAME_FILE names', () => {
    assert.equal(readVariable({ KEY_FILE: file }, 'KEY'), 'sk-from-a-file');
    assert.equal(readVariable({ KEY: '', KEY_FILE: file }, 'KEY'), 'sk-from-a-file');
    assert.equal(readVariable({ KEY: 'own', KEY_FILE: file }, 'KEY'), 'own');
    assert.equal(readVariable({ KEY_FILE: '' }, 'KEY'), undefined);
  });

  test('is rejected with the remedy, without the path, if its file cannot be read', () => {
    const absent = { KEY_FILE: join(folder, 'absent') };
    assert.throws(() => readVariable(absent, 'KEY'), {
      code: 'config_invalid',
      message: 'The file that KEY_FILE names cannot be read (ENOENT). Give this user the right to read it, or set KEY.',
    });
    assert.match(expandVariables('${KEY}', absent).problems.join(), /^needs the environment variable KEY: The file/);
  });

  test('may be in a file for providers, for values of the configuration and for MCP servers', () => {
    const providers = chooseProviders({
      active: 'auto',
      fallback: [],
      providers: {},
      env: { OPENAI_API_KEY_FILE: file },
    });
    assert.deepEqual([providers[0]?.name, providers[0]?.key], ['openai', 'sk-from-a-file']);
    assert.equal(expandVariables('${KEY:-none}', { KEY_FILE: file }).text, 'sk-from-a-file');
    const list = join(folder, 'servers.json');
    writeFileSync(list, JSON.stringify({ mcpServers: { web: { url: 'http://x.test', headers: { a: '${KEY}' } } } }));
    const [server] = loadServers(list, { KEY_FILE: file });
    assert.deepEqual(server?.kind === 'http' && server.headers, { a: 'sk-from-a-file' });
  });
});

describe('takeSecrets', () => {
  test('removes secrets from an environment and returns all of it', () => {
    const env: Record<string, string | undefined> = { PATH: '/bin', OPENAI_API_KEY: 'a', GITHUB_TOKEN: 'b', TZ: 'UTC' };
    assert.deepEqual(takeSecrets(env), { PATH: '/bin', OPENAI_API_KEY: 'a', GITHUB_TOKEN: 'b', TZ: 'UTC' });
    assert.deepEqual(env, { PATH: '/bin', TZ: 'UTC' });
  });

  test('leaves no secret in the environment that a child of the process inherits', async () => {
    const script = `
      import { spawnSync } from 'node:child_process';
      const { takeSecrets } = await import(${JSON.stringify(import.meta.resolve('../src/environment-variable.ts'))});
      takeSecrets(process.env);
      process.stdout.write(spawnSync('env', { encoding: 'utf8' }).stdout);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { PATH: process.env['PATH'], GROQ_API_KEY: 'gsk-secret' },
    });
    const output = (await child.stdout.toArray()).join('');
    assert.match(output, /PATH=/);
    assert.doesNotMatch(output, /gsk-secret/);
  });
});
