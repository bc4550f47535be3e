/**
 * Tests which sockets a draining server still needs: those that wait for frames or an answer of a running conversation.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { createDismissalLogic } from '../../src/registry/dismissal.ts';
import { eventually } from '../support/server-process.ts';

const inC1 = { ref: { owner: 'ann', conversationId: 'c1' }, unanswered: [{ session: 's1', requestId: 'r1' }] };
const inC2 = { ref: { owner: 'ann', conversationId: 'c2' }, unanswered: [] };
const followers: Record<string, string[]> = { c1: ['s2'], c2: ['s2', 's3'], c3: ['s4'] };

test('sockets that follow a running conversation, or wait for its answer, are needed until it ends', async () => {
  const live = new Set([inC1, inC2]);
  const looks: string[][] = [];
  const actor = createActor(
    createDismissalLogic({
      conversations: () => live,
      followers: ({ conversationId }) => followers[conversationId] ?? [],
      dismiss: (needed) => void looks.push([...needed].toSorted()),
    }),
  ).start();
  assert.deepEqual(looks, [['s1', 's2', 's3']], 'it checks at once');

  live.delete(inC1);
  await eventually(() => looks.at(-1)?.join() === 's2,s3', 'a look without c1');
  live.delete(inC2);
  await eventually(() => looks.at(-1)?.length === 0, 'a check without any');

  actor.stop();
  const before = looks.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(looks.length, before, 'it stops checking');
});
