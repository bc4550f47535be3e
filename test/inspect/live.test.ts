/** Checks live inspection over real sockets: order, format, limits, and access. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { eventsUrl, rejectedWatcher, statesOf, watch } from '../support/inspection.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, shareServers, startParley, startScripted } from '../support/parley.ts';

/** For the tests that need nothing special. Each has conversations of its own. */
const serve = shareServers();

describe('a viewer', () => {
  test('receives the states in order, with the transitions that led to them', async (t) => {
    const { parley, model, client } = await startScripted(t);
    model.script(says('Hello.'));
    const watcher = await watch(parley, 'c1');
    await client.chat('Hi', { conversation_id: 'c1' });
    await watcher.waitFor(
      (message) =>
        message.type === '@xstate.snapshot' && message.transitions.some((id) => id.startsWith('turn.persisting|')),
      'the end',
    );
    assert.deepEqual(
      statesOf(watcher.received, 'c1').filter((state) => state !== 'turn.queued'),
      ['activating', 'turn.receiving', 'turn.loadingContext', 'turn.streaming', 'turn.persisting', 'idle'],
    );
    const taken = watcher.received.flatMap((message) =>
      message.type === '@xstate.snapshot' ? message.transitions : [],
    );
    assert.deepEqual(
      taken.filter((id) => /client.chat|answer/.test(id)),
      ['activating|client.chat|1', 'idle|client.chat|0', 'turn.streaming|answer.finished|3'],
    );
    const ids = watcher.received.map(({ id, rootId }) => `${rootId} ${id}`);
    assert.equal(new Set(ids).size, ids.length);
  });

  test('receives only its own conversation', async () => {
    const parley = await serve();
    const client = await parley.connect();
    const watcher = await watch(parley, 'mine');
    await client.chat('Hi', { conversation_id: 'other' });
    await client.chat('Hi', { conversation_id: 'mine' });
    await watcher.waitFor(
      (message) => message.type === '@xstate.event' && message.event.type === 'client.chat',
      'its chat',
    );
    assert.deepEqual(
      [
        ...new Set(
          watcher.received.flatMap((message) =>
            message.type === '@xstate.actor' && message.parentId === undefined ? [message.name] : [],
          ),
        ),
      ],
      ['mine'],
    );
  });

  test("stays connected when the conversation's actor restarts, and receives the new actor", async (t) => {
    const parley = await startParley(t, { config: { chat: { service: { idle_timeout: 0.1 } } } });
    const client = await parley.connect();
    const watcher = await watch(parley, 'c1');
    await client.chat('Hi', { conversation_id: 'c1' });
    await watcher.waitFor(
      (message) =>
        message.type === '@xstate.snapshot' &&
        message.snapshot.status === 'done' &&
        message.snapshot.value === 'stopped',
      'the end of the first',
    );
    await client.chat('Hi', { conversation_id: 'c1' });
    const roots = watcher.received.filter((message) => message.type === '@xstate.actor' && message.name === 'c1');
    assert.equal(new Set(roots.map(({ sessionId }) => sessionId)).size, 2);
  });

  test('misses nothing if it reconnects in time', async () => {
    const parley = await serve();
    const client = await parley.connect();
    const first = await watch(parley, 'missed');
    first.socket.close();
    await once(first.socket, 'close');
    await client.chat('Hi', { conversation_id: 'missed' });
    const second = await watch(parley, 'missed');
    await second.waitFor(
      (message) => message.type === '@xstate.event' && message.event.type === 'client.chat',
      'the chat that it missed',
    );
  });
});

describe('a message to viewers', () => {
  const secrets = ['Sesame', 'Rosebud', 'Xanadu'];
  for (const texts of [false, true]) {
    test(`${texts ? 'contains texts and arguments if the configuration includes content' : 'contains no text of a person, a model or a tool otherwise'}`, async (t) => {
      const { parley, model, client } = await startScripted(t, {
        mcpServers: demoServer,
        config: { inspect: { include_content: texts, max_event_chars: 20_000 } },
      });
      model.script(
        asks([
          { name: 'add', arguments: { a: 2, b: 3 } },
          { name: 'add', arguments: { wrong: 'Rosebud' } },
        ]),
        says('Xanadu.'),
      );
      const watcher = await watch(parley, 'c1');
      await client.chat('Sesame', { conversation_id: 'c1', metadata: { note: 'Sesame' } });
      await watcher.waitFor(
        (message) => message.type === '@xstate.snapshot' && message.event.type === 'answer.finished',
        'the answer',
      );
      const all = JSON.stringify(watcher.received);
      assert.deepEqual(
        secrets.map((secret) => all.includes(secret)),
        secrets.map(() => texts),
      );
      assert.ok(all.includes('"name":"add"'), 'names of tools are visible');
    });
  }

  test('is bounded in size, and so is the number of kept messages', async (t) => {
    const parley = await startParley(t, {
      config: { inspect: { include_content: true, max_events: 10, max_event_chars: 500 } },
    });
    const client = await parley.connect();
    const first = await watch(parley, 'c1');
    await client.chat('Long '.repeat(5000), { conversation_id: 'c1' });
    await client.chat('Hi', { conversation_id: 'c1' });
    const sizes = first.received.flatMap((message) =>
      message.type === '@xstate.event' ? [JSON.stringify(message.event).length] : [],
    );
    assert.ok(sizes.length > 10 && Math.max(...sizes) < 1200, `at most ${Math.max(...sizes)} characters`);
    const second = await watch(parley, 'c1');
    await second.waitFor((message) => message.id === first.received.at(-1)?.id, 'the newest');
    assert.ok(second.received.length > 10 && second.received.length < 14, `${second.received.length} messages`);
    const [root] = second.received;
    assert.ok(root?.type === '@xstate.actor' && root.name === 'c1', 'the actor comes first');
  });
});

describe('the socket of viewers', () => {
  test('limits viewers and inspected conversations', async (t) => {
    const parley = await startParley(t, {
      config: { inspect: { max_viewers: 3, max_conversations: 1, keep_after_last_viewer: 60 } },
    });
    const first = await watch(parley, 'c1');
    const second = await watch(parley, 'c1');
    const client = await parley.connect();
    await client.chat('Hi', { conversation_id: 'c1' });
    await second.waitFor(() => true, 'anything');
    assert.deepEqual(await rejectedWatcher(eventsUrl(parley, 'c2')), {
      code: 1013,
      reason: 'too many conversations are inspected: inspect.max_conversations',
      received: 0,
    });
    const third = await watch(parley, 'c1');
    assert.deepEqual(await rejectedWatcher(eventsUrl(parley, 'c1')), {
      code: 1013,
      reason: 'too many viewers: inspect.max_viewers',
      received: 0,
    });
    for (const { socket } of [first, second, third]) {
      socket.close();
      await once(socket, 'close');
    }
    // The first has no viewers any more, so the second replaces it immediately.
    const other = await watch(parley, 'c2');
    await client.chat('Hi', { conversation_id: 'c2' });
    await other.waitFor((message) => message.type === '@xstate.actor', 'the second conversation');
  });

  test('rejects other host names, proxies, pages of other sites, and requests without a conversation', async () => {
    const parley = await serve();
    const url = eventsUrl(parley, 'c1');
    for (const headers of [
      { host: 'rebound.example' },
      { 'x-forwarded-for': '192.0.2.1' },
      { forwarded: 'for=192.0.2.1' },
    ]) {
      const { code, reason } = await rejectedWatcher(url, { headers });
      assert.equal(code, 1008);
      assert.match(reason, /serves this machine only/);
    }
    assert.match(
      (await rejectedWatcher(url, { headers: { origin: 'https://elsewhere.example' } })).reason,
      /^origin not allowed: .*chat\.websocket\.allowed_hosts/,
    );
    assert.equal(
      (await rejectedWatcher(url.replace('conversation=c1', ''))).reason,
      'no conversation in the URL; add ?conversation=ID',
    );
  });

  test('does not exist if inspection is off', async (t) => {
    const parley = await startParley(t, { config: { inspect: { enabled: false } } });
    await assert.rejects(watch(parley, 'c1'), /404/);
  });
});
