/** Connects as a viewer of live inspection, and collects the messages of one conversation. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { StatelyMessage } from '../../src/inspect/stately-format.ts';
import type { ConnectOptions } from './client.ts';
import type { Parley } from './parley.ts';

export interface Watcher {
  readonly received: StatelyMessage[];
  readonly socket: WebSocket;
  /** Resolves with the first matching message, received already or later. Rejects after a minute. */
  waitFor(fits: (message: StatelyMessage) => boolean, what: string): Promise<StatelyMessage>;
}

const TIMEOUT_MS = 180_000;

/** The address of a conversation's live inspection. */
export function eventsUrl({ url }: Pick<Parley, 'url'>, conversation: string, owner?: string): string {
  const query = new URLSearchParams({ conversation, ...(owner === undefined ? {} : { owner }) });
  return String(new URL(`/inspect/events?${query}`, url));
}

export function openWatcher(url: string, { protocols = [], ...options }: ConnectOptions = {}): Watcher {
  const socket = new WebSocket(url, protocols, options);
  const received: StatelyMessage[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    received.push(JSON.parse(String(data)));
    for (const look of waiting) look();
  });
  return {
    received,
    socket,
    waitFor: (fits, what) =>
      new Promise((resolve, reject) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const look = () => {
          const found = received.find(fits);
          if (!found) return;
          done();
          resolve(found);
        };
        const timer = setTimeout(() => {
          done();
          reject(
            new Error(`time ran out while waiting for ${what}; received ${received.map(({ type }) => type).join(' ')}`),
          );
        }, TIMEOUT_MS);
        waiting.add(look);
        look();
      }),
  };
}

/** Resolves with a connected watcher. */
export async function watch(
  parley: Pick<Parley, 'url'>,
  conversation: string,
  options: ConnectOptions & { owner?: string } = {},
): Promise<Watcher> {
  const watcher = openWatcher(eventsUrl(parley, conversation, options.owner), options);
  await once(watcher.socket, 'open');
  return watcher;
}

/** Resolves with the close of a rejected watcher. */
export async function rejectedWatcher(
  url: string,
  options: ConnectOptions = {},
): Promise<{ code: number; reason: string; received: number }> {
  const { socket, received } = openWatcher(url, options);
  const [code, reason] = await once(socket, 'close', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { code: Number(code), reason: String(reason), received: received.length };
}

/** The dotted states of an actor by name, in order, repeats as one. */
export function statesOf(received: readonly StatelyMessage[], name: string): string[] {
  const sessions = new Set(
    received
      .filter((message) => message.type === '@xstate.actor' && message.name === name)
      .map(({ sessionId }) => sessionId),
  );
  const states = received.flatMap((message) =>
    message.type !== '@xstate.event' && sessions.has(message.sessionId) ? [dotted(message.snapshot.value)] : [],
  );
  return states.filter((state, index) => state !== states[index - 1]);
}

export function dotted(value: unknown): string {
  if (typeof value === 'string') return value;
  assert.ok(typeof value === 'object' && value !== null, 'a state value');
  return Object.entries(value)
    .map(([state, below]) => `${state}.${dotted(below)}`)
    .join();
}
