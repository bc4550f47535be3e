/**
 * Who is next where only so many may be at something at once: whoever stands in line is served in turn at each level
 * of its place, so that an owner, or a conversation, that asks for much starves nobody. Decides nothing else.
 */

/** From the widest to the one that asks, such as owner and conversation; all in one line have as many levels. */
export type FairKey = readonly [string, ...string[]];

export interface FairSemaphore {
  /** Calls `granted` once, before it returns if there is room. Returns how many stand in line then, this one included; 0 when it was granted. */
  acquire(place: FairKey, granted: () => void): number;
  /** Leaves, or makes room; without having asked, nothing. */
  release(place: FairKey): void;
  /** Lets in whoever may: to be called when the pace has become open again or there is more room, which nobody here notices. */
  grantWaiting(): void;
  /** How many are at it, and how many stand in line. */
  held(): number;
  queued(): number;
}

/** Whether anybody may enter just now, however much room there is. */
export interface RateLimiter {
  isOpen(): boolean;
  /** Somebody has entered. */
  begin(): void;
}

const UNLIMITED: RateLimiter = { isOpen: () => true, begin: () => {} };

/** Those who wait in one place: the next is the first. */
type Branch = Map<string, Branch | (() => void)>;

/** `most` is read each time, so it may change: call `serve` when it has risen. */
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
      // Nobody overtakes those who wait for the pace.
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

/** True if somebody stood there. */
function leave(branch: Branch, [head = '', ...rest]: readonly string[]): boolean {
  const inner = branch.get(head);
  if (!(inner instanceof Map)) return branch.delete(head);
  const left = leave(inner, rest);
  if (inner.size === 0) branch.delete(head);
  return left;
}

/** Whoever is served, its branches go to the end of the line. */
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
