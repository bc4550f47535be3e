/**
 * Tests the queue and the restarts of the counting thread, with real worker threads that run small programs: each counts
 * UTF-16 units, and crashes at the text `poison`.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCountingThread } from '../../src/tokens/counting-thread.ts';

const announce = `parentPort.postMessage({ kind: 'table', table: {} });`;
const countOrDie = `parentPort.on('message', ({ id, text }) => {
  if (text === 'poison') throw new Error('poisoned');
  parentPort.postMessage({ kind: 'count', id, tokens: text.length });
});`;

function program(...lines: string[]): URL {
  const source = [`import { parentPort } from 'node:worker_threads';`, ...lines].join('\n');
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

function startThread(script: URL) {
  const deaths: { cause: unknown; final: boolean }[] = [];
  let tables = 0;
  const thread = createCountingThread({
    // Tables are kept for the whole process: this one is of an encoding that no other test counts with.
    encoding: 'p50k_edit',
    script,
    onTable: () => {
      tables += 1;
    },
    onExit: (cause, final) => deaths.push({ cause, final }),
  });
  return { thread, deaths, tables: () => tables };
}

describe('counting thread', () => {
  test('after a death counts what waited, except the text it died of', async () => {
    const { thread, deaths, tables } = startThread(program(announce, countOrDie));
    const counts = await Promise.all(['one', 'poison', 'three', 'four'].map((text) => thread.count(text)));
    assert.deepEqual(counts, [3, null, 5, 4]);
    assert.equal(tables(), 1);
    assert.deepEqual(
      deaths.map(({ final }) => final),
      [false],
    );
    assert.match(String(deaths[0]?.cause), /poisoned/);
    await thread.close();
  });

  test('survives any number of deaths with counts between them', async () => {
    const { thread, deaths } = startThread(program(announce, countOrDie));
    for (const round of ['a', 'bb', 'ccc']) {
      assert.equal(await thread.count('poison'), null);
      assert.equal(await thread.count(round), round.length);
    }
    assert.deepEqual(
      deaths.map(({ final }) => final),
      [false, false, false],
    );
    await thread.close();
  });

  test('gives up when its replacement dies before it has counted anything', async () => {
    const { thread, deaths } = startThread(program(announce, countOrDie));
    const counts = await Promise.all(['poison', 'poison', 'three'].map((text) => thread.count(text)));
    assert.deepEqual(counts, [null, null, null]);
    assert.deepEqual(
      deaths.map(({ final }) => final),
      [false, true],
    );
    assert.equal(await thread.count('later'), null);
    await thread.close();
  });

  test('gives up when the ranks cannot be loaded, after a second try', async () => {
    const { thread, deaths } = startThread(program(`throw new Error('no ranks');`));
    assert.equal(await thread.count('text'), null);
    assert.deepEqual(
      deaths.map(({ final }) => final),
      [false, true],
    );
    await thread.close();
  });

  test('announces a table that this process has built without a thread', async () => {
    const builds = startThread(program(announce, countOrDie));
    await builds.thread.count('abc');
    const { thread, deaths, tables } = startThread(program(`throw new Error('started');`));
    thread.start();
    assert.equal(tables(), 1);
    await Promise.all([builds.thread.close(), thread.close()]);
    assert.deepEqual(deaths, []);
  });

  test('answers null when no thread can be made', async () => {
    const { thread, deaths } = startThread(new URL('nowhere:'));
    assert.equal(await thread.count('text'), null);
    assert.deepEqual(
      deaths.map(({ final }) => final),
      [true, false],
    );
    await thread.close();
  });

  test('refuses what its queue has no room for, in number and in length', async () => {
    const { thread } = startThread(program(announce, countOrDie));
    const many = Array.from({ length: 1100 }, () => thread.count('abc'));
    const counts = await Promise.all(many);
    assert.deepEqual(
      counts.slice(0, 1024),
      Array.from({ length: 1024 }, () => 3),
    );
    assert.deepEqual(
      counts.slice(1024),
      Array.from({ length: 76 }, () => null),
    );

    const megabytes = 'a'.repeat(9 * 1024 * 1024);
    const [first, second] = await Promise.all([thread.count(megabytes), thread.count(megabytes)]);
    assert.deepEqual([first, second], [megabytes.length, null]);
    assert.equal(await thread.count('room again'), 10);
    await thread.close();
  });

  test('answers null to what waits when it is closed, and to all that comes later', async () => {
    const { thread, deaths } = startThread(program(announce));
    const waiting = thread.count('never answered');
    await thread.close();
    assert.equal(await waiting, null);
    assert.equal(await thread.count('later'), null);
    assert.deepEqual(deaths, []);
    await thread.close();
  });
});
