/**
 * Starts the real nginx and the real Caddy in front of a server, on loopback, with a configuration in a folder of its
 * own. Where one is missing, its tests are skipped with the reason.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
const find = (name: string) => FOLDERS.map((folder) => join(folder, name)).find((file) => existsSync(file));
const nginx = find('nginx');
const caddy = find('caddy');

/** For `test(name, { skip: withoutNginx }, ...)`: false, or the reason to skip. */
export const withoutNginx =
  nginx !== undefined ? false : 'there is no nginx on this machine; apt-get install nginx-light brings one';
export const withoutCaddy =
  caddy !== undefined ? false : 'there is no Caddy on this machine; apt-get install caddy brings one';

/** Starts nginx with the content of its `http` block; `PORT` in it is the port to listen on. Returns the port. */
export function startNginx(t: TestContext, http: string): Promise<number> {
  return start(t, nginx ?? '', (folder, port) => ({
    file: 'nginx.conf',
    args: ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')],
    text: `daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log stderr;\nevents { worker_connections 64; }\nhttp {\naccess_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}\n${http.replaceAll('PORT', String(port))}\n}\n`,
  }));
}

/** The same for Caddy; `sites` is its Caddyfile without the global options. */
export function startCaddy(t: TestContext, sites: string): Promise<number> {
  return start(t, caddy ?? '', (folder, port) => ({
    file: 'Caddyfile',
    args: ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'],
    text: `{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n${sites.replaceAll('PORT', String(port))}\n`,
  }));
}

async function start(
  t: TestContext,
  program: string,
  configure: (folder: string, port: number) => { file: string; text: string; args: string[] },
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-proxy-'));
  const port = await freePort();
  const { file, text, args } = configure(folder, port);
  await writeFile(join(folder, file), text);
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  });
  await eventually(() => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
    return answers(port);
  }, `${program} to listen`);
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
