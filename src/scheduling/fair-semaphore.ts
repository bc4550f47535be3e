/**
 * Limits how many holders work at once, and grants free permits fairly: round-robin at each level of the key. So an
 * owner, or a conversation, with many requests cannot starve the others. A level may have a limit of its own. While another
 * owner waits, no owner gets more than half of the permits, those that it has included.
 */

/** The requester, from the widest level to the narrowest, such as owner and conversation. All keys of a semaphore have the same number of levels. */
export type FairKey = readonly [string, ...string[]];

/** The permits and their queue. */
export interface FairSemaphore {
  /** Calls `granted` once, before it returns if a permit is free. Returns the length of the queue, this request included. 0: granted at once. */
  acquire(place: FairKey, granted: () => void): number;
  /** Returns the permit, or leaves the queue. Does nothing for an unknown key. */
  release(place: FairKey): void;
  /** Grants free permits. Call it when the rate limiter opens again or the limit has risen; the semaphore does not notice that. */
  grantWaiting(): void;
  /** Permits in use, and requests in the queue. */
  held(): number;
  queued(): number;
}

/** A second condition beside free permits: the rate of grants. */
export interface RateLimiter {
  isOpen(): boolean;
  /** Called for each grant. */
  begin(): void;
}

const UNLIMITED: RateLimiter = { isOpen: () => true, begin: () => {} };

/** The queue of one level of keys. The first entry is the next. */
type Branch = Map<string, Branch | (() => void)>;

/** The limits, read at each use. */
export interface FairSemaphoreOptions {
  most: () => number;
  /** Most permits under one key of each level, from the widest. Levels beyond the list have no limit. */
  mostOfLevel?: () => readonly number[];
  pace?: RateLimiter;
}

/** The limits are read at each request, so they may change. Call `grantWaiting` when one has risen. */
export function createFairSemaphore({
  most,
  mostOfLevel = () => [],
  pace = UNLIMITED,
}: FairSemaphoreOptions): FairSemaphore {
  const inside = new Set<string>();
  /** Permits in use under each key of a level with a limit. */
  const heldUnder = new Map<string, number>();
  const line: Branch = new Map();
  let waiting = 0;

  const hasRoom = () => inside.size < most() && pace.isOpen();
  const isFull = (path: readonly string[]) => {
    const limit = mostOfLevel()[path.length - 1];
    return limit !== undefined && (heldUnder.get(keyOf(path)) ?? 0) >= limit;
  };
  const hasItsShare = (path: readonly string[]) =>
    path.length === 1 && line.size > 1 && (heldUnder.get(keyOf(path)) ?? 0) >= Math.ceil(most() / 2);
  const count = (place: readonly string[], change: number) => {
    for (let level = 1; level < place.length; level += 1) {
      const key = keyOf(place.slice(0, level));
      const held = (heldUnder.get(key) ?? 0) + change;
      if (held > 0) heldUnder.set(key, held);
      else heldUnder.delete(key);
    }
  };
  const letIn = (place: readonly string[], granted: () => void) => {
    inside.add(keyOf(place));
    count(place, 1);
    pace.begin();
    granted();
  };
  const serve = () => {
    while (waiting > 0 && hasRoom()) {
      // A permit that only owners with their share can take is not left unused.
      const next = takeNext(line, (path) => isFull(path) || hasItsShare(path)) ?? takeNext(line, isFull);
      if (next === null) return;
      waiting -= 1;
      letIn(next.place, next.granted);
    }
  };

  return {
    acquire(place, granted) {
      let immediate = false;
      let returned = false;
      enter(line, place, () => {
        immediate = !returned;
        granted();
      });
      waiting += 1;
      // No request overtakes those that wait for the rate limiter.
      serve();
      returned = true;
      return immediate ? 0 : waiting;
    },
    release(place) {
      if (inside.delete(keyOf(place))) {
        count(place, -1);
        serve();
      } else if (leave(line, place)) waiting -= 1;
    },
    grantWaiting: serve,
    held: () => inside.size,
    queued: () => waiting,
  };
}

function keyOf(place: readonly string[]): string {
  return JSON.stringify(place);
}

function enter(branch: Branch, [head = '', ...rest]: readonly string[], granted: () => void): void {
  if (rest.length === 0) return void branch.set(head, granted);
  const known = branch.get(head);
  const inner: Branch = known instanceof Map ? known : new Map();
  branch.set(head, inner);
  enter(inner, rest, granted);
}

/** True if the key was queued. */
function leave(branch: Branch, [head = '', ...rest]: readonly string[]): boolean {
  const inner = branch.get(head);
  if (!(inner instanceof Map)) return branch.delete(head);
  const left = leave(inner, rest);
  if (inner.size === 0) branch.delete(head);
  return left;
}

/** Takes the next request that `isFull` does not hold back. At each level, the key that was served moves to the end. */
function takeNext(
  branch: Branch,
  isFull: (path: readonly string[]) => boolean,
  path: readonly string[] = [],
): { place: string[]; granted: () => void } | null {
  for (const [head, inner] of branch) {
    const inside = [...path, head];
    if (!(inner instanceof Map)) {
      branch.delete(head);
      return { place: inside, granted: inner };
    }
    const taken = isFull(inside) ? null : takeNext(inner, isFull, inside);
    if (taken === null) continue;
    branch.delete(head);
    if (inner.size > 0) branch.set(head, inner);
    return taken;
  }
  return null;
}
