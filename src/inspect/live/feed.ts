/**
 * Sends the messages of one conversation to its viewers, and keeps the newest for viewers that connect later. The number
 * of kept messages is bounded. A viewer that reads too slowly is closed.
 */
import type { ActorMessage, StatelyMessage } from '../stately-format.ts';

/** One connection that watches the conversation. */
export interface Viewer {
  send(text: string): void;
  /** True while its send buffer is too full for more. */
  isSlow(): boolean;
  /** Closes the connection so that the viewer reconnects; it then gets the kept messages. */
  closeForReconnect(): void;
}

/** The messages of one conversation. */
export interface Feed {
  publish(message: StatelyMessage): void;
  /** Sends the kept messages, then every new one. */
  join(viewer: Viewer): void;
  leave(viewer: Viewer): void;
  viewers(): number;
}

interface Kept {
  message: StatelyMessage;
  text: string;
}

/** Creates the feed of one conversation. Keeps the newest `maxMessages` for viewers that come later. */
export function createFeed(maxMessages: number): Feed {
  const viewers = new Set<Viewer>();
  let kept: Kept[] = [];
  /** Messages at the head of `kept` that no longer count. They are cut off in batches, not one by one. */
  let dropped = 0;
  /** The actors that were active at the oldest kept message, with their state then. */
  const before = new Map<string, ActorMessage>();

  const drop = ({ message }: Kept) => {
    dropped += 1;
    const known = before.get(message.sessionId);
    if (message.type === '@xstate.actor') before.set(message.sessionId, message);
    else if (message.type === '@xstate.snapshot' && message.snapshot.status !== 'active')
      before.delete(message.sessionId);
    else if (message.type === '@xstate.snapshot' && known)
      before.set(message.sessionId, { ...known, snapshot: message.snapshot });
  };

  /** Returns false if it closed the viewer. */
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
    publish(message) {
      const text = JSON.stringify(message);
      kept.push({ message, text });
      const oldest = kept[dropped];
      if (oldest && kept.length - dropped > maxMessages) drop(oldest);
      if (dropped > maxMessages) {
        kept = kept.slice(dropped);
        dropped = 0;
      }
      for (const viewer of viewers) send(viewer, text);
    },
    join(viewer) {
      viewers.add(viewer);
      const texts = [
        ...Array.from(before.values(), (message) => JSON.stringify(message)),
        ...kept.slice(dropped).map(({ text }) => text),
      ];
      texts.every((text) => send(viewer, text));
    },
    leave(viewer) {
      viewers.delete(viewer);
    },
    viewers: () => viewers.size,
  };
}
