/** Lists the processes of this machine and waits for their end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from './eventually.ts';
import { isAlive } from './mcp-servers.ts';

/** Resolves when all these processes have exited. */
export function allExited(pids: readonly number[]): Promise<true> {
  return eventually(() => !pids.some(isAlive), `the end of processes ${pids.join(', ')}`);
}

/** The ids of all processes that descend from this one. */
export async function descendants(pid: number): Promise<number[]> {
  const children = (await processes()).filter((each) => each.parent === pid).map((each) => each.pid);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

/** The ids of the processes with this text in their command line. */
export async function processesMentioning(text: string): Promise<number[]> {
  return (await processes()).filter((each) => each.command.includes(text)).map((each) => each.pid);
}

async function processes(): Promise<{ pid: number; parent: number; command: string }[]> {
  const ps = spawn('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  let listed = '';
  ps.stdout.on('data', (data: Buffer) => (listed += data.toString()));
  await once(ps, 'close');
  return [...listed.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map(([, pid, parent, command = '']) => ({
    pid: Number(pid),
    parent: Number(parent),
    command,
  }));
}
