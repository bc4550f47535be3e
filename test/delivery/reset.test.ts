/** Tests the end of a message that was streamed: it is in the log with the same text, or it is reset. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, endAt, kinds, message, ref, scene, settle, textIn } from './scripted-topic.ts';

test('a message without a row is reset before the end of its turn', async () => {
  const { delivery, enter, subscribe, publish } = scene();
  const [sender, watcher] = [enter('s1'), enter('s2')];
  publish(message);
  delivery.follow('s1', ref, 'r1', true);
  subscribe('s2', { after_seq: 1 });
  await settle();
  const draft = delivery.draft(ref, 'r1', 'm1');
  draft.reasoning('Let me see. ');
  draft.finish();
  publish(endAt(2));
  assert.deepEqual(kinds(sender.frames), ['reasoning', 'reset', 'complete']);
  assert.deepEqual(kinds(watcher.frames), ['reasoning', 'reset', 'event', 'complete']);
});

test('a message that is restarted while its reader catches up is reset', async () => {
  const { delivery, enter, subscribe, holdReads, publish } = scene();
  publish(message);
  const watcher = enter('s1');
  watcher.swallows = 1;
  delivery.draft(ref, 'r1', 'm1').text('abc');
  await settle();
  subscribe('s1', { after_seq: 0, message_id: 'm1', offset: 3 });
  await settle();
  const release = holdReads();
  delivery.draft(ref, 'r1', 'm2').text('xyz');
  await settle();
  release();
  watcher.swallows = Infinity;
  watcher.drained();
  await settle();
  assert.deepEqual(kinds(watcher.frames), ['event', 'reset', 'text']);
  assert.equal(textIn(watcher.frames), 'xyz');
});

test('a turn that ended without the message resets it for a reader that reconnects', async () => {
  const { delivery, enter, publish } = scene();
  publish(message);
  const reader = enter('s1');
  reader.slow = true;
  delivery.follow('s1', ref, 'r1', true);
  const draft = delivery.draft(ref, 'r1', 'm1');
  draft.reasoning('Let me see. ');
  await settle();
  delivery.attach('s1', ref, 'r1', {
    streaming: true,
    cursor: { after_seq: 1, message_id: 'm1', reasoning_offset: 4 },
  });
  await settle();
  publish(endAt(2));
  reader.slow = false;
  reader.drained();
  await settle();
  assert.deepEqual(kinds(reader.frames), ['processing', 'reset', 'complete']);
});

test('a reader that reconnects in the middle of a message without live text gets a reset, then the whole message', async () => {
  const { delivery, enter, publish } = scene();
  publish(message);
  const reader = enter('s1');
  const draft = delivery.draft(ref, 'r1', 'm1');
  draft.text('The whole ');
  await settle();
  delivery.attach('s1', ref, 'r1', { streaming: false, cursor: { after_seq: 1, message_id: 'm1', offset: 4 } });
  await settle();
  draft.text('answer.');
  draft.finish();
  publish(answer);
  assert.deepEqual(kinds(reader.frames), ['processing', 'reset', 'text']);
  assert.equal(textIn(reader.frames), 'The whole answer.');
});

test('a lone surrogate is delivered as its row has it', async () => {
  const { delivery, enter } = scene();
  const reader = enter('s1');
  delivery.follow('s1', ref, 'r1', true);
  const draft = delivery.draft(ref, 'r1', 'm1');
  draft.text(`a${'\u{1F680}'.charAt(0)}`);
  await settle();
  assert.equal(textIn(reader.frames), 'a');
  assert.equal(draft.finish().text, 'a\ufffd');
  assert.equal(textIn(reader.frames), 'a\ufffd');
});
