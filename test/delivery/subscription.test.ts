/** Tests a subscription that catches up: rows come first and once, and the turns of its own socket wait for it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { answer, end, endAt, kinds, message, ref, scene, settle, textIn } from './scripted-topic.ts';

describe('a subscription that catches up', () => {
  test('gets an accepted turn only by its row, while the sender gets `processing` at once', async () => {
    const { delivery, enter, subscribe, holdReads, publish } = scene();
    const [watcher, sender] = [enter('s1'), enter('s2')];
    const release = holdReads();
    subscribe('s1');
    publish(message);
    delivery.follow('s2', ref, 'r1', true);
    delivery.broadcast(ref, {
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

  test('delays what its socket follows of a turn, and sends its end after its row, once', async () => {
    const { delivery, enter, subscribe, holdReads, publish } = scene();
    const reader = enter('s1');
    publish(message);
    delivery.follow('s1', ref, 'r1', true);
    const draft = delivery.draft(ref, 'r1', 'm1');
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

  test('that ends early leaves the rest of a turn to the socket that follows the turn too', async () => {
    const { delivery, enter, subscribe, holdReads, publish } = scene();
    const reader = enter('s1');
    publish(message);
    delivery.follow('s1', ref, 'r1', true);
    const draft = delivery.draft(ref, 'r1', 'm1');
    const release = holdReads();
    subscribe('s1');
    draft.text('The whole answer.');
    draft.finish();
    publish(answer, end);
    delivery.unsubscribe('s1', ref);
    release();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['text', 'complete']);
    assert.equal(textIn(reader.frames), 'The whole answer.');
  });

  test('reports a log that cannot be read to the subscription and to the followed turn', async () => {
    const { delivery, enter, subscribe, holdReads, publish, breakLog } = scene();
    const reader = enter('s1');
    publish(message);
    delivery.follow('s1', ref, 'r1', true);
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

  test('asks the socket to reconnect when retention removed unread rows, and sends none out of order', async () => {
    const { enter, subscribe, commit, drop, delivery } = scene();
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
      'a subscriber that was informed about the removed rows misses no others',
    );
    delivery.close('s1');
  });

  test('sends rows once that were read before they were published', async () => {
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

type Scene = ReturnType<typeof scene>;

test('a slow socket that follows a turn and subscribes is caught up once', async () => {
  const { delivery, enter, subscribe, publish } = scene();
  const reader = enter('s1');
  publish(message);
  delivery.follow('s1', ref, 'r1', true);
  subscribe('s1', { after_seq: 1 });
  await settle();
  reader.slow = true;
  const draft = delivery.draft(ref, 'r1', 'm1');
  draft.text('The whole answer.');
  draft.finish();
  publish(answer, end);
  reader.slow = false;
  reader.drained();
  await settle();
  assert.deepEqual(kinds(reader.frames), ['event', 'event', 'complete']);
});

describe('a subscription of a socket that is catching up on a turn', () => {
  /** The socket was slow at the first row and has drained; the log is being read for it. */
  const behind = () => {
    const { enter, delivery, publish, holdReads, ...others } = scene();
    const reader = enter('s1');
    delivery.follow('s1', ref, 'r1', true);
    reader.slow = true;
    publish(message, answer);
    reader.slow = false;
    const release = holdReads();
    reader.drained();
    return { reader, delivery, publish, release, ...others };
  };

  test('sends the rest of the turn, and the end after its row', async () => {
    const { reader, subscribe, publish, release } = behind();
    subscribe('s1');
    publish(end);
    release();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['event', 'event', 'event', 'complete']);
  });

  test('leaves an end before the cursor to the followed turn', async () => {
    const { reader, subscribe, publish, release } = behind();
    publish(end);
    subscribe('s1', { after_seq: end.seq });
    release();
    await settle();
    assert.deepEqual(kinds(reader.frames), ['complete']);
  });

  test('continues the turn live', async () => {
    const { reader, subscribe, publish, release } = behind();
    subscribe('s1');
    release();
    await settle();
    publish(end);
    await settle();
    assert.deepEqual(kinds(reader.frames), ['event', 'event', 'event', 'complete']);
  });

  test('takes over in the middle when its socket was slow again', async () => {
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

describe('a socket that stalls in the middle of a page', () => {
  for (const { what, follow } of [
    { what: 'a subscription', follow: ({ subscribe }: Scene) => void subscribe('s1') },
    {
      what: 'a turn',
      follow: ({ delivery }: Scene) => delivery.attach('s1', ref, 'r1', { streaming: true, cursor: null }),
    },
  ])
    test(`is closed when another socket of its subject waits to read, while it catches up on ${what}`, async () => {
      const topic = scene({ perSubject: 1, stallMs: 1 });
      const [stalled, other] = [topic.enter('s1'), topic.enter('s2')];
      topic.commit(message, answer, end);
      stalled.swallows = 2;
      follow(topic);
      await settle();
      topic.subscribe('s2');
      await eventually(() => other.frames.length === 3, 'the rows for the other socket');
      assert.deepEqual([stalled.frames.length, stalled.sentBack], [2, 1]);
    });
});
