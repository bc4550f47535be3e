/**
 * The guard: one tiny process beside ours that outlives us just long enough to end the MCP
 * servers we started, also after a `kill -9`. It is told process groups over a pipe (`+ 12`,
 * `- 12`); EOF on that pipe is our death, however it came. A shell, not Node: 1 MB, not 45.
 * It must know nothing else, and nobody but stdio-transport may talk to it.
 */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/** SIGTERM for all groups, a second to leave, SIGKILL. Signals meant for us must not end it first. */
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

export interface ChildReaper {
  /** From now on the group dies with us. */
  watch(group: number): void;
  /** The group has ended: its number may soon be somebody else's. */
  release(group: number): void;
  /** Ends the guard, and with it whatever it still watches. */
  close(): void;
}

/** `fail` is told when no guard can be started; servers run on, and end at EOF of their stdin. */
export function createChildReaper(fail: (error: Error) => void): ChildReaper {
  const groups = new Set<number>();
  let pipe: Writable | null = null;

  const start = () => {
    // A group of its own, so that Ctrl-C in our terminal does not reach it.
    const child = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: { PATH: process.env['PATH'] },
    });
    child.unref();
    child.on('error', fail);
    // Somebody killed it: the next watch() starts another one, which is told all groups.
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
