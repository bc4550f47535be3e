/**
 * Mounts a tmpfs of a few MB that a test can fill, free and make read-only. Only root may mount, and not on every
 * machine; tests that need it are skipped with the reason.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface SmallDisk {
  folder: string;
  /** Takes all free space except `spareBytes`. */
  fill(spareBytes?: number): void;
  free(): void;
  /** Works only while no file on it is open for writing. */
  makeReadOnly(): void;
}

/** For the `skip` of a test: false where mounting works, else the reason. */
export const withoutMounting = ((): string | false => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-mount-'));
  try {
    mount(folder, 1);
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return false;
  } catch {
    return 'mounting a tmpfs is not possible here';
  } finally {
    rmdirSync(folder);
  }
})();

function mount(folder: string, megabytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'parley-test', folder], { stdio: 'ignore' });
}

/** Mounts the disk and unmounts it when the test ends. After this call, register what must be closed before. */
export function smallDisk(t: TestContext, megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'parley-disk-'));
  mount(folder, megabytes);
  t.after(() => {
    // Lazy, so that a connection left open by a failed test does not hide the failure.
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill(spareBytes = 0) {
      const descriptor = openSync(ballast, 'w');
      try {
        for (const size of [65_536, 4096]) while (writeSync(descriptor, Buffer.alloc(size)) === size);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      } finally {
        closeSync(descriptor);
      }
      if (spareBytes > 0) execFileSync('truncate', ['--size', `-${spareBytes}`, ballast]);
    },
    free: () => rmSync(ballast),
    makeReadOnly: () => void execFileSync('mount', ['-o', 'remount,ro', folder]),
  };
}
