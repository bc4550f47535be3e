/** A subscription that catches up: nothing comes before its rows, everything once, and its socket's own turns wait for it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answer, end, endAt, kinds, message, ref, scene, settle, textIn } from './scene.ts';

describe('a subscription that catches up', () => {
  test('hears of a turn that is accepted by its row alone; the sender is told at once', async () => {
    const { outbox, enter, subscribe, holdReads, publish } = scene();
    const [watcher, sender] = [enter('s1'), enter('s2')];
    const release = holdReads();
    subscribe('s1');
    publish(message);
    outbox.follow('s2', ref, 'r1', true);
    outbox.broadcast(ref, {
      request_id: 'r1',
      status: 'processing',
      conversation_id: 'c1',
      seq: 1,
      metadata: { disposition: 'started' },
    });
    await settle();
    assert.deepEqual([kinds(watcher.frames), kinds(sender.frames)], [[], ['processing']]);
    release();
    await settle();
    assert.deepEqual(kinds(watcher.frames), ['event']);
  });

  test('keeps back what its socket follows of a turn, and tells its end after its row, once', async () => {
    const { outbox, enter, subscribe, holdReads, publish } = scene();
    const reader = enter('s1');
    publish(message);
    outbox.follow('s1', ref, 'r1', true);
    const draft = outbox.draft(ref, 'r1', 'm1');
    draft.text('The whole ');
    await settle();
    const release = holdReads();
    subscribe('s1');
    draft.text('answer.');
    draft.finish();
    publish(answer, end);
    await settle();
    assert.deepEqual(kinds(reader.frames), ['text']);
    release();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['text', 'event', 'event', 'event', 'complete']);
  });

  test('that ends early leaves the rest of a turn to who follows that too', async () => {
    const { outbox, enter, subscribe, holdReads, publish } = scene();
    const reader = enter('s1');
    publish(message);
    outbox.follow('s1', ref, 'r1', true);
    const draft = outbox.draft(ref, 'r1', 'm1');
    const release = holdReads();
    subscribe('s1');
    draft.text('The whole answer.');
    draft.finish();
    publish(answer, end);
    outbox.unsubscribe('s1', ref);
    release();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['text', 'complete']);
    assert.equal(textIn(reader.frames), 'The whole answer.');
  });

  test('whose log cannot be read leaves it to the same', async () => {
    const { outbox, enter, subscribe, holdReads, publish, breakLog } = scene();
    const reader = enter('s1');
    publish(message);
    outbox.follow('s1', ref, 'r1', true);
    const release = holdReads();
    subscribe('s1');
    breakLog(new Error('the disk is gone'));
    release();
    await settle();
    assert.deepEqual(
      reader.frames.map(({ request_id: id, error }) => [id, error?.code]),
      [
        [null, 'internal'],
        ['r1', 'internal'],
      ],
    );
  });

  test('is asked to come back when retention took rows that it was still to read, and gets none out of order', async () => {
    const { enter, subscribe, commit, drop, outbox } = scene();
    const [outrun, truncated] = [enter('s1'), enter('s2')];
    commit(message, answer, end);
    drop(1);
    subscribe('s1');
    subscribe('s2', { after_seq: 1 });
    await settle();
    assert.deepEqual([outrun.frames, outrun.sentBack], [[], 1]);
    assert.deepEqual(
      [truncated.frames.map(({ seq }) => seq), truncated.sentBack],
      [[2, 3], 0],
      'who was told what is gone misses nothing more',
    );
    outbox.close('s1');
  });

  test('has read rows that are published only afterwards: they come once', async () => {
    const { enter, subscribe, commit, publish } = scene();
    const reader = enter('s1');
    commit(message, answer, end);
    subscribe('s1');
    await settle();
    publish(message, answer, end);
    await settle();
    assert.deepEqual(
      reader.frames.map(({ seq }) => seq),
      [1, 2, 3],
    );
  });
});

test('a slow socket that both follows a turn and subscribes is brought up to date once', async () => {
  const { outbox, enter, subscribe, publish } = scene();
  const reader = enter('s1');
  publish(message);
  outbox.follow('s1', ref, 'r1', true);
  subscribe('s1', { after_seq: 1 });
  await settle();
  reader.slow = true;
  const draft = outbox.draft(ref, 'r1', 'm1');
  draft.text('The whole answer.');
  draft.finish();
  publish(answer, end);
  reader.slow = false;
  reader.drained();
  await settle();
  assert.deepEqual(kinds(reader.frames), ['event', 'event', 'complete']);
});

describe('a subscription of a socket that is being caught up on a turn', () => {
  /** Its socket was slow at the first row, has drained, and the log is being read for it. */
  const behind = () => {
    const { enter, outbox, publish, holdReads, ...others } = scene();
    const reader = enter('s1');
    outbox.follow('s1', ref, 'r1', true);
    reader.slow = true;
    publish(message, answer);
    reader.slow = false;
    const release = holdReads();
    reader.drained();
    return { reader, outbox, publish, release, ...others };
  };

  test('shows the rest of it, the end behind its row', async () => {
    const { reader, subscribe, publish, release } = behind();
    subscribe('s1');
    publish(end);
    release();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['event', 'event', 'event', 'complete']);
  });

  test('leaves it an end that lies before the cursor', async () => {
    const { reader, subscribe, publish, release } = behind();
    publish(end);
    subscribe('s1', { after_seq: end.seq });
    release();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['complete']);
  });

  test('goes on with it live', async () => {
    const { reader, subscribe, publish, release } = behind();
    subscribe('s1');
    release();
    await settle();
    publish(end);
    await settle();
    assert.deepEqual(kinds(reader.frames), ['event', 'event', 'event', 'complete']);
  });

  test('takes over in the middle, where its socket was slow again', async () => {
    const { reader, subscribe, publish, release } = behind();
    publish({ ...answer, id: 'm2', seq: 3 }, endAt(4));
    reader.swallows = 1;
    release();
    await settle();
    subscribe('s1');
    reader.swallows = Infinity;
    reader.drained();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['text', 'event', 'event', 'event', 'event', 'complete']);
  });
});
