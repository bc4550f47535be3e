/** A viewer of live inspection: collects what it is told of one conversation, as `@statelyai/inspect` has it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { StatelyMessage } from '../../src/inspect/stately-format.ts';
import type { ConnectOptions } from './client.ts';
import type { Parley } from './parley.ts';

export interface Watcher {
  readonly told: StatelyMessage[];
  readonly socket: WebSocket;
  /** The first message, past or to come, that fits. */
  waitFor(fits: (message: StatelyMessage) => boolean, what: string): Promise<StatelyMessage>;
}

const PATIENCE_MS = 60_000;

/** Where live inspection of a conversation is told. */
export function eventsUrl({ url }: Pick<Parley, 'url'>, conversation: string, owner?: string): string {
  const query = new URLSearchParams({ conversation, ...(owner === undefined ? {} : { owner }) });
  return String(new URL(`/inspect/events?${query}`, url));
}

export function openWatcher(url: string, { protocols = [], ...options }: ConnectOptions = {}): Watcher {
  const socket = new WebSocket(url, protocols, options);
  const told: StatelyMessage[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    told.push(JSON.parse(String(data)));
    for (const look of waiting) look();
  });
  return {
    told,
    socket,
    waitFor: (fits, what) =>
      new Promise((resolve, reject) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const look = () => {
          const found = told.find(fits);
          if (!found) return;
          done();
          resolve(found);
        };
        const timer = setTimeout(() => {
          done();
          reject(new Error(`time ran out while waiting for ${what}; told ${told.map(({ type }) => type).join(' ')}`));
        }, PATIENCE_MS);
        waiting.add(look);
        look();
      }),
  };
}

/** A watcher that is connected. */
export async function watch(
  parley: Pick<Parley, 'url'>,
  conversation: string,
  options: ConnectOptions & { owner?: string } = {},
): Promise<Watcher> {
  const watcher = openWatcher(eventsUrl(parley, conversation, options.owner), options);
  await once(watcher.socket, 'open');
  return watcher;
}

/** How a watcher is turned away. */
export async function refusedWatcher(
  url: string,
  options: ConnectOptions = {},
): Promise<{ code: number; reason: string; told: number }> {
  const { socket, told } = openWatcher(url, options);
  const [code, reason] = await once(socket, 'close', { signal: AbortSignal.timeout(PATIENCE_MS) });
  return { code: Number(code), reason: String(reason), told: told.length };
}

/** The dotted state values that a conversation's own actor has been in, repeats as one. */
export function statesOf(told: readonly StatelyMessage[], name: string): string[] {
  const sessions = new Set(
    told
      .filter((message) => message.type === '@xstate.actor' && message.name === name)
      .map(({ sessionId }) => sessionId),
  );
  const states = told.flatMap((message) =>
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
