/** Checks a conversation's feed alone: late viewers and slow viewers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFeed, type Viewer } from '../../src/inspect/live/feed.ts';
import type { StatelyMessage } from '../../src/inspect/stately-format.ts';

const head = (sessionId: string, id: number) => ({
  rootId: 'a',
  sessionId,
  createdAt: '0',
  id: String(id),
  _version: '0',
});
const nothing = { output: undefined, error: undefined };
const actorMessage = (sessionId: string, id: number): StatelyMessage => ({
  type: '@xstate.actor',
  ...head(sessionId, id),
  name: sessionId,
  parentId: undefined,
  definition: '{}',
  snapshot: { ...nothing, status: 'active', value: 'new' },
});
const stateMessage = (
  sessionId: string,
  id: number,
  value: string,
  status: 'active' | 'done' = 'active',
): StatelyMessage => ({
  type: '@xstate.snapshot',
  ...head(sessionId, id),
  event: { type: 'e' },
  snapshot: { ...nothing, status, value },
  transitions: [],
});

function viewer(isSlow = () => false) {
  const received: { sessionId: string; type: string; snapshot: { value: string } }[] = [];
  let closed = 0;
  const seen: Viewer = {
    send: (text) => void received.push(JSON.parse(text)),
    isSlow,
    askToReturn: () => void (closed += 1),
  };
  return { seen, received, closed: () => closed };
}

test('a feed sends a late viewer the actors before the kept messages, without ended ones', () => {
  const feed = createFeed(2);
  let id = 0;
  feed.publish(actorMessage('a', (id += 1)));
  feed.publish(actorMessage('gone', (id += 1)));
  for (const value of ['one', 'two']) feed.publish(stateMessage('a', (id += 1), value));
  feed.publish(stateMessage('gone', (id += 1), 'over', 'done'));
  for (const value of ['three', 'four']) feed.publish(stateMessage('a', (id += 1), value));
  const late = viewer();
  feed.join(late.seen);
  assert.deepEqual(
    late.received.map(({ sessionId, type, snapshot }) => [sessionId, type, snapshot.value]),
    [
      ['a', '@xstate.actor', 'two'],
      ['a', '@xstate.snapshot', 'three'],
      ['a', '@xstate.snapshot', 'four'],
    ],
  );
});

test('a feed closes a slow viewer once and does not delay the others', () => {
  const feed = createFeed(10);
  let slow = false;
  const [slowViewer, quick] = [viewer(() => slow), viewer()];
  feed.join(slowViewer.seen);
  feed.join(quick.seen);
  feed.publish(actorMessage('a', 1));
  slow = true;
  feed.publish(stateMessage('a', 2, 'one'));
  feed.publish(stateMessage('a', 3, 'two'));
  assert.deepEqual(
    [slowViewer.received.length, slowViewer.closed(), quick.received.length, feed.viewers()],
    [1, 1, 3, 1],
  );
});
