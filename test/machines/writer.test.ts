/** Tests the writer's chart: opening, committing and closing, and each event in each state. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createActor, fromCallback, fromPromise } from 'xstate';
import type { AnyStateNode } from 'xstate';
import { getStateNodes } from 'xstate/graph';
import { writerMachine } from '../../machines/writer.ts';
import { readyWriter, startWriter } from '../support/machines/writer.ts';

describe('opening', () => {
  test('a refused file is the end', async () => {
    const running = startWriter();
    await running.fail();
    assert.equal(running.state(), 'refused');
  });

  test('rows that came meanwhile are committed first', async () => {
    const running = startWriter();
    running.rows();
    await running.finish();
    assert.equal(running.state(), 'committing');
  });

  test('a close that came meanwhile follows, after the rows', async () => {
    const running = startWriter();
    running.rows();
    running.close();
    await running.finish();
    assert.equal(running.state(), 'committing');
    await running.finish();
    assert.equal(running.state(), 'closing');
  });
});

describe('committing', () => {
  test('returns to ready when nothing waits any more', async () => {
    const running = await readyWriter();
    running.rows();
    assert.equal(running.state(), 'committing');
    await running.finish();
    assert.equal(running.state(), 'ready');
    assert.deepEqual(running.asked, ['openDatabase', 'commitBatch']);
  });

  test('takes the next batch when the last was full, or when rows came after it was taken', async () => {
    const running = await readyWriter();
    running.rows();
    await running.finish({ more: true });
    running.rows();
    await running.finish();
    assert.equal(running.state(), 'committing');
    await running.finish();
    assert.equal(running.state(), 'ready');
    assert.equal(running.asked.filter((name) => name === 'commitBatch').length, 3);
  });
});

describe('closing', () => {
  test('ends in closed, also when the file could not be closed in order', async () => {
    const inOrder = await readyWriter();
    inOrder.close();
    await inOrder.finish();
    assert.equal(inOrder.state(), 'closed');

    const broken = await readyWriter();
    broken.close();
    await broken.fail();
    assert.equal(broken.state(), 'closed');
  });

  test('waits for the retry that is under way', async () => {
    const running = await readyWriter([10]);
    running.rows();
    await running.fail();
    running.close();
    assert.deepEqual(running.state(), { retrying: 'backingOff' });
    running.advance(10);
    await running.finish();
    await running.finish();
    assert.equal(running.state(), 'closing');
  });
});

describe('the chart', () => {
  const states = getStateNodes(writerMachine.root);
  const answers = (node: AnyStateNode, event: string): boolean =>
    node.transitions.has(event) || (node.parent !== undefined && answers(node.parent, event));

  test('answers every event in every state that is not final', () => {
    const living = states.filter((node) => node.type === 'atomic');
    assert.deepEqual(
      living.map((node) => node.key),
      ['opening', 'ready', 'checking', 'committing', 'sweeping', 'backingOff', 'reconnecting', 'failed', 'closing'],
    );
    for (const node of living) {
      for (const event of ['rows.queued', 'sweep.due', 'writer.close']) {
        assert.ok(answers(node, event), `${node.key} does not answer ${event}`);
      }
    }
  });

  test('knows what follows when one of its actors ends or fails', () => {
    for (const node of [writerMachine.root, ...states]) {
      for (const { id } of node.invoke) {
        assert.ok(node.transitions.has(`xstate.done.actor.${id}`), `${node.key}: ${id} may end`);
        assert.ok(node.transitions.has(`xstate.error.actor.${id}`), `${node.key}: ${id} may fail`);
      }
    }
  });

  test('closes when the listener of the queue ends', () => {
    const running = createActor(
      writerMachine.provide({
        actors: {
          queueListener: fromCallback(() => {
            throw new Error('no bell');
          }),
          openDatabase: fromPromise(() => Promise.withResolvers<void>().promise),
          closeDatabase: fromPromise(() => Promise.withResolvers<void>().promise),
        },
      }),
    );
    running.start();
    assert.equal(running.getSnapshot().value, 'closing');
    running.stop();
  });
});
