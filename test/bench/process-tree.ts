/**
 * Reads what a process and its children have used, from Linux's /proc. CPU is read per thread from schedstat, which
 * counts nanoseconds where stat counts hundredths of a second.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  /** CPU time of the process itself, all threads. */
  ownMs: number;
  /** CPU time including all descendants. */
  treeMs: number;
  /** Resident memory of the process itself. */
  rssBytes: number;
}

const pageBytes = 4096;

export function usageOf(pid: number): Usage {
  const ownMs = cpuMs(pid);
  const children = descendantsOf(pid).reduce((sum, child) => sum + cpuMs(child), 0);
  const [, residentPages = '0'] = read(`${pid}/statm`).split(' ');
  return { ownMs, treeMs: ownMs + children, rssBytes: Number(residentPages) * pageBytes };
}

function cpuMs(pid: number): number {
  const nanos = list(`${pid}/task`).reduce(
    (sum, thread) => sum + Number.parseInt(read(`${pid}/task/${thread}/schedstat`) || '0', 10),
    0,
  );
  return nanos / 1e6;
}

function descendantsOf(pid: number): number[] {
  const children = list(`${pid}/task`).flatMap((thread) =>
    read(`${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** A thread or process may end while it is read; then it counts as nothing. */
function read(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(`/proc/${folder}`);
  } catch {
    return [];
  }
}
