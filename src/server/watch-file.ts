/**
 * Watches one file by polling its status. Polling also sees files that an editor replaces, and files on network and
 * container mounts, for which the system sends no events.
 */
import { unwatchFile, watchFile } from 'node:fs';

/** Between two looks at the status of the file. Each costs microseconds. */
const POLL_MS = 500;
/** Time without a further change, because a program may write a file in parts. */
const SETTLE_MS = 200;

/** Watches at most one file at a time. */
export interface FileWatch {
  /** Watches this file from now on, and no other. Null: none. */
  watch(file: string | null): void;
}

/** `changed` is called when the file has changed, has appeared or is gone. It must not throw. */
export function createFileWatch(changed: () => void): FileWatch {
  let watched: string | null = null;
  let settling: NodeJS.Timeout | undefined;
  const onChange = () => {
    clearTimeout(settling);
    settling = setTimeout(changed, SETTLE_MS).unref();
  };
  return {
    watch(file) {
      if (file === watched) return;
      clearTimeout(settling);
      if (watched !== null) unwatchFile(watched, onChange);
      watched = file;
      if (file !== null) watchFile(file, { interval: POLL_MS, persistent: false }, onChange);
    },
  };
}
