/** Tests the command `token`: its output is a valid token, and only the output holds it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { startParley } from '../support/parley.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** Runs the command in an empty folder, and sees that it stays empty. */
async function tokenFor(t: TestContext, subject: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const cwd = mkdtempSync(join(tmpdir(), 'parley-token-'));
  t.after(() => rmSync(cwd, { recursive: true }));
  const ran = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [main, 'token', subject], { cwd }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
  assert.deepEqual(readdirSync(cwd), []);
  return ran;
}

function partsOf(stdout: string): { token: string; config: Record<string, unknown> } {
  const token = /^ {2}(parley_\S+)$/m.exec(stdout)?.[1] ?? '';
  return { token, config: parse(stdout.slice(stdout.indexOf('auth:'))) };
}

describe('token', () => {
  test('prints a token, and the configuration with which a server knows its subject', async (t) => {
    const { code, stdout, stderr } = await tokenFor(t, 'yes');
    assert.deepEqual([code, stderr], [0, '']);
    const { token, config } = partsOf(stdout);
    assert.ok(!JSON.stringify(config).includes(token));
    const parley = await startParley(t, { config });
    const client = await parley.connect({ headers: { authorization: `Bearer ${token}` } });
    assert.equal((await client.chat('Hi')).end.status, 'complete');
  });

  test('prints another one each time', async (t) => {
    const [one, other] = await Promise.all([tokenFor(t, 'alice'), tokenFor(t, 'alice')]);
    assert.notEqual(partsOf(one.stdout).token, partsOf(other.stdout).token);
  });

  test('makes none for a name that the configuration would refuse', async (t) => {
    const { code, stdout, stderr } = await tokenFor(t, 'alice\nbob');
    assert.deepEqual([code, stdout], [1, '']);
    assert.equal(
      stderr,
      '"alice\\nbob" cannot be a subject: allowed are 1 to 128 characters without control characters.\n',
    );
  });
});
