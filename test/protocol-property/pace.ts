/**
 * How far the model may go on, conversation by conversation: what the steps of a run allow, piece by piece, and in the
 * end all of it. What is allowed before anybody waits for it is kept, so that the order of the two says nothing.
 */

export interface Pace {
  /** Lets the next pieces go, those that wait first. */
  allow(conversation: string, pieces: number): void;
  /** From now on nothing of this conversation is held back. */
  free(conversation: string): void;
  /** Resolves when the piece may go. Whoever gives up by `left` takes nothing from the others. */
  enter(conversation: string, left: Promise<unknown>): Promise<void>;
}

interface Lane {
  allowed: number;
  waiting: Set<() => void>;
}

export function createPace(): Pace {
  const lanes = new Map<string, Lane>();
  const laneOf = (conversation: string): Lane => {
    const lane = lanes.get(conversation) ?? { allowed: 0, waiting: new Set() };
    lanes.set(conversation, lane);
    return lane;
  };
  const allow = (conversation: string, pieces: number) => {
    const lane = laneOf(conversation);
    lane.allowed += pieces;
    for (const go of lane.waiting) {
      if (lane.allowed < 1) return;
      lane.allowed -= 1;
      lane.waiting.delete(go);
      go();
    }
  };

  return {
    allow,
    free: (conversation) => allow(conversation, Infinity),
    enter(conversation, left) {
      const lane = laneOf(conversation);
      if (lane.allowed >= 1) {
        lane.allowed -= 1;
        return Promise.resolve();
      }
      return new Promise((go) => {
        lane.waiting.add(go);
        void left.then(() => lane.waiting.delete(go));
      });
    },
  };
}
