/** The feed of a conversation by itself: what a viewer who comes late is told, and what becomes of one who reads too slowly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFeed, type Viewer } from '../../src/inspect/feed.ts';
import type { StatelyMessage } from '../../src/inspect/stately-event.ts';

const head = (sessionId: string, id: number) => ({
  rootId: 'a',
  sessionId,
  createdAt: '0',
  id: String(id),
  _version: '0',
});
const nothing = { output: undefined, error: undefined };
const born = (sessionId: string, id: number): StatelyMessage => ({
  type: '@xstate.actor',
  ...head(sessionId, id),
  name: sessionId,
  parentId: undefined,
  definition: '{}',
  snapshot: { ...nothing, status: 'active', value: 'new' },
});
const stands = (
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
  const told: { sessionId: string; type: string; snapshot: { value: string } }[] = [];
  let sentAway = 0;
  const seen: Viewer = {
    send: (text) => void told.push(JSON.parse(text)),
    isSlow,
    closeForReconnect: () => void (sentAway += 1),
  };
  return { seen, told, sentAway: () => sentAway };
}

test('one who comes late is told of the actors as they were before the kept messages, and not of those that are over', () => {
  const feed = createFeed(2);
  let id = 0;
  feed.tell(born('a', (id += 1)));
  feed.tell(born('gone', (id += 1)));
  for (const value of ['one', 'two']) feed.tell(stands('a', (id += 1), value));
  feed.tell(stands('gone', (id += 1), 'over', 'done'));
  for (const value of ['three', 'four']) feed.tell(stands('a', (id += 1), value));
  const late = viewer();
  feed.join(late.seen);
  assert.deepEqual(
    late.told.map(({ sessionId, type, snapshot }) => [sessionId, type, snapshot.value]),
    [
      ['a', '@xstate.actor', 'two'],
      ['a', '@xstate.snapshot', 'three'],
      ['a', '@xstate.snapshot', 'four'],
    ],
  );
});

test('one who reads too slowly is sent away once, and the others are not held up', () => {
  const feed = createFeed(10);
  let slow = false;
  const [lame, quick] = [viewer(() => slow), viewer()];
  feed.join(lame.seen);
  feed.join(quick.seen);
  feed.tell(born('a', 1));
  slow = true;
  feed.tell(stands('a', 2, 'one'));
  feed.tell(stands('a', 3, 'two'));
  assert.deepEqual([lame.told.length, lame.sentAway(), quick.told.length, feed.viewers()], [1, 1, 3, 1]);
});
