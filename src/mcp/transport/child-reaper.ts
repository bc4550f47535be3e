/**
 * Runs the child reaper: a tiny process that outlives Parley just long enough to end the MCP servers that Parley
 * started, also after a `kill -9`. It reads process groups from a pipe (`+ 12`, `- 12`). EOF on the pipe means that the
 * Parley process has exited. A shell takes 1 MB, Node 45. Only stdio-transport.ts writes to it.
 */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/** Sends SIGTERM to all groups, waits a second, sends SIGKILL. Ignores the signals that end Parley. */
const script = `
trap '' INT TERM HUP
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
[ "$groups" = ' ' ] && exit
for group in $groups; do kill -s TERM -- "-$group"; done
sleep 1
for group in $groups; do kill -s KILL -- "-$group"; done
`;

/** One process that ends the programs of all servers. */
export interface ChildReaper {
  /** The reaper ends the group when Parley exits. */
  watch(group: number): void;
  /** Call it when the group has ended: the system may reuse its number. */
  release(group: number): void;
  /** Ends the reaper and the groups that it still watches. */
  close(): void;
}

/** Calls `fail` if the process cannot be started. Servers then run on, and end at EOF of their stdin. */
export function createChildReaper(fail: (error: Error) => void): ChildReaper {
  const groups = new Set<number>();
  let pipe: Writable | null = null;

  const start = () => {
    // Its own process group, so that Ctrl-C in the terminal does not reach it.
    const child = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: { PATH: process.env['PATH'] },
    });
    child.unref();
    child.on('error', fail);
    // If it was killed, the next watch() starts another and sends it all groups.
    child.on('exit', () => {
      if (pipe === child.stdin) pipe = null;
    });
    child.stdin.on('error', () => undefined);
    return child.stdin;
  };

  return {
    watch(group) {
      groups.add(group);
      if (pipe !== null) return void pipe.write(`+ ${group}\n`);
      pipe = start();
      pipe.write([...groups].map((each) => `+ ${each}\n`).join(''));
    },
    release(group) {
      if (groups.delete(group)) pipe?.write(`- ${group}\n`);
    },
    close() {
      pipe?.end();
      pipe = null;
    },
  };
}
