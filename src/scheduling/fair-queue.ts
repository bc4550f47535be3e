/**
 * Limits how many holders work at once, and grants free permits fairly: round-robin at each level of the key. So an
 * owner, or a conversation, with many requests cannot starve the others.
 */

/** The requester, from the widest level to the narrowest, such as owner and conversation. All keys of a semaphore have the same number of levels. */
export type FairKey = readonly [string, ...string[]];

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

/** `most` is read at each request, so it may change. Call `grantWaiting` when it has risen. */
export function createFairSemaphore({
  most,
  pace = UNLIMITED,
}: {
  most: () => number;
  pace?: RateLimiter;
}): FairSemaphore {
  const inside = new Set<string>();
  const line: Branch = new Map();
  let waiting = 0;

  const hasRoom = () => inside.size < most() && pace.isOpen();
  const letIn = (place: readonly string[], granted: () => void) => {
    inside.add(keyOf(place));
    pace.begin();
    granted();
  };
  const serve = () => {
    while (waiting > 0 && hasRoom()) {
      const next = takeNext(line);
      if (next === null) return;
      waiting -= 1;
      letIn(next.place, next.granted);
    }
  };

  return {
    acquire(place, granted) {
      // No request overtakes those that wait for the rate limiter.
      if (waiting === 0 && hasRoom()) {
        letIn(place, granted);
        return 0;
      }
      enter(line, place, granted);
      waiting += 1;
      return waiting;
    },
    release(place) {
      if (inside.delete(keyOf(place))) serve();
      else if (leave(line, place)) waiting -= 1;
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

/** Takes the next request. At each level, the key that was served moves to the end. */
function takeNext(branch: Branch): { place: string[]; granted: () => void } | null {
  const [first] = branch;
  if (!first) return null;
  const [head, inner] = first;
  branch.delete(head);
  if (!(inner instanceof Map)) return { place: [head], granted: inner };
  const taken = takeNext(inner);
  if (inner.size > 0) branch.set(head, inner);
  return taken && { place: [head, ...taken.place], granted: taken.granted };
}
