/**
 * What is told of one inspected conversation: the newest messages, kept for viewers who come or come back, and the
 * viewers themselves. Bounded in messages; a viewer that reads too slowly is sent away rather than waited for.
 */
import type { ActorMessage, StatelyMessage } from './stately-event.ts';

/** Somebody who watches. */
export interface Viewer {
  send(text: string): void;
  /** True while so much waits for it that it must not be sent more. */
  isSlow(): boolean;
  /** It may come back, and then gets what is kept. */
  closeForReconnect(): void;
}

export interface Feed {
  tell(message: StatelyMessage): void;
  /** Sends what is kept, then what comes. */
  join(viewer: Viewer): void;
  leave(viewer: Viewer): void;
  viewers(): number;
}

interface Kept {
  message: StatelyMessage;
  text: string;
}

export function createFeed(maxMessages: number): Feed {
  const viewers = new Set<Viewer>();
  let kept: Kept[] = [];
  /** How many at the head of `kept` have been given up; cut off now and then, not with each message. */
  let passed = 0;
  /** The actors that lived when the oldest kept message was told, as they were then. */
  const before = new Map<string, ActorMessage>();

  const pass = ({ message }: Kept) => {
    passed += 1;
    const known = before.get(message.sessionId);
    if (message.type === '@xstate.actor') before.set(message.sessionId, message);
    else if (message.type === '@xstate.snapshot' && message.snapshot.status !== 'active')
      before.delete(message.sessionId);
    else if (message.type === '@xstate.snapshot' && known)
      before.set(message.sessionId, { ...known, snapshot: message.snapshot });
  };

  /** False for one that was sent away. */
  const send = (viewer: Viewer, text: string): boolean => {
    if (!viewer.isSlow()) {
      viewer.send(text);
      return true;
    }
    viewers.delete(viewer);
    viewer.closeForReconnect();
    return false;
  };

  return {
    tell(message) {
      const text = JSON.stringify(message);
      kept.push({ message, text });
      const oldest = kept[passed];
      if (oldest && kept.length - passed > maxMessages) pass(oldest);
      if (passed > maxMessages) {
        kept = kept.slice(passed);
        passed = 0;
      }
      for (const viewer of viewers) send(viewer, text);
    },
    join(viewer) {
      viewers.add(viewer);
      const texts = [
        ...Array.from(before.values(), (message) => JSON.stringify(message)),
        ...kept.slice(passed).map(({ text }) => text),
      ];
      texts.every((text) => send(viewer, text));
    },
    leave(viewer) {
      viewers.delete(viewer);
    },
    viewers: () => viewers.size,
  };
}
