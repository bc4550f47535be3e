/** Live inspection over real sockets: what a viewer is told of a conversation, in whose format, how much of it, and when. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { eventsUrl, refusedWatcher, statesOf, watch } from '../support/inspection.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startParley, startScripted } from '../support/parley.ts';

describe('a viewer', () => {
  test('sees the states in the order in which the chart takes them, with the transitions that led there', async (t) => {
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
      statesOf(watcher.told, 'c1').filter((state) => state !== 'turn.inLine'),
      ['activating', 'turn.receiving', 'turn.loadingContext', 'turn.streaming', 'turn.persisting', 'idle'],
    );
    const taken = watcher.told.flatMap((message) => (message.type === '@xstate.snapshot' ? message.transitions : []));
    assert.deepEqual(
      taken.filter((id) => /client.chat|answer/.test(id)),
      ['activating|client.chat|1', 'idle|client.chat|0', 'turn.streaming|answer.finished|1'],
    );
    const ids = watcher.told.map(({ id, rootId }) => `${rootId} ${id}`);
    assert.equal(new Set(ids).size, ids.length);
  });

  test('is told of the one conversation alone', async (t) => {
    const parley = await startParley(t);
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
          watcher.told.flatMap((message) =>
            message.type === '@xstate.actor' && message.parentId === undefined ? [message.name] : [],
          ),
        ),
      ],
      ['mine'],
    );
  });

  test('stays through a restart of the conversation, and is told of the new actor', async (t) => {
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
    const roots = watcher.told.filter((message) => message.type === '@xstate.actor' && message.name === 'c1');
    assert.equal(new Set(roots.map(({ sessionId }) => sessionId)).size, 2);
  });

  test('who comes back within the linger has missed nothing', async (t) => {
    const parley = await startParley(t);
    const client = await parley.connect();
    const first = await watch(parley, 'c1');
    first.socket.close();
    await once(first.socket, 'close');
    await client.chat('Hi', { conversation_id: 'c1' });
    const second = await watch(parley, 'c1');
    await second.waitFor(
      (message) => message.type === '@xstate.event' && message.event.type === 'client.chat',
      'the chat that it missed',
    );
  });
});

describe('what is told', () => {
  const secrets = ['Sesame', 'Rosebud', 'Xanadu'];
  for (const texts of [false, true]) {
    test(`${texts ? 'holds texts and arguments if the configuration says so' : 'holds no text of a person, a model or a tool'}`, async (t) => {
      const { parley, model, client } = await startScripted(t, {
        mcpServers: demoServer,
        config: { inspect: { texts, max_event_chars: 20_000 } },
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
      const all = JSON.stringify(watcher.told);
      assert.deepEqual(
        secrets.map((secret) => all.includes(secret)),
        secrets.map(() => texts),
      );
      assert.ok(all.includes('"name":"add"'), 'names of tools are told');
    });
  }

  test('is bounded in events and in the size of each', async (t) => {
    const parley = await startParley(t, { config: { inspect: { texts: true, max_events: 10, max_event_chars: 500 } } });
    const client = await parley.connect();
    const first = await watch(parley, 'c1');
    await client.chat('Long '.repeat(5000), { conversation_id: 'c1' });
    await client.chat('Hi', { conversation_id: 'c1' });
    const sizes = first.told.flatMap((message) =>
      message.type === '@xstate.event' ? [JSON.stringify(message.event).length] : [],
    );
    assert.ok(sizes.length > 10 && Math.max(...sizes) < 1200, `at most ${Math.max(...sizes)} characters`);
    const second = await watch(parley, 'c1');
    await second.waitFor((message) => message.id === first.told.at(-1)?.id, 'the newest');
    assert.ok(second.told.length > 10 && second.told.length < 14, `${second.told.length} messages`);
    const [root] = second.told;
    assert.ok(root?.type === '@xstate.actor' && root.name === 'c1', 'the actor is told of first');
  });
});

describe('the door', () => {
  test('counts viewers and inspected conversations', async (t) => {
    const parley = await startParley(t, { config: { inspect: { max_viewers: 3, max_conversations: 1, linger: 60 } } });
    const first = await watch(parley, 'c1');
    const second = await watch(parley, 'c1');
    const client = await parley.connect();
    await client.chat('Hi', { conversation_id: 'c1' });
    await second.waitFor(() => true, 'anything');
    assert.deepEqual(await refusedWatcher(eventsUrl(parley, 'c2')), {
      code: 1013,
      reason: 'too many conversations are inspected: inspect.max_conversations',
      told: 0,
    });
    const third = await watch(parley, 'c1');
    assert.deepEqual(await refusedWatcher(eventsUrl(parley, 'c1')), {
      code: 1013,
      reason: 'too many viewers: inspect.max_viewers',
      told: 0,
    });
    for (const { socket } of [first, second, third]) {
      socket.close();
      await once(socket, 'close');
    }
    // Nobody watches the first any more, so the second takes its place at once.
    const other = await watch(parley, 'c2');
    await client.chat('Hi', { conversation_id: 'c2' });
    await other.waitFor((message) => message.type === '@xstate.actor', 'the second conversation');
  });

  test('is for this machine alone: not under another name, not through a proxy, not for foreign pages, not without a conversation', async (t) => {
    const parley = await startParley(t);
    const url = eventsUrl(parley, 'c1');
    for (const headers of [
      { host: 'rebound.example' },
      { 'x-forwarded-for': '192.0.2.1' },
      { forwarded: 'for=192.0.2.1' },
    ]) {
      const { code, reason } = await refusedWatcher(url, { headers });
      assert.equal(code, 1008);
      assert.match(reason, /for this machine alone/);
    }
    assert.match(
      (await refusedWatcher(url, { headers: { origin: 'https://elsewhere.example' } })).reason,
      /^origin not allowed: .*chat\.websocket\.allowed_hosts/,
    );
    assert.equal(
      (await refusedWatcher(url.replace('conversation=c1', ''))).reason,
      'no conversation in the URL; add ?conversation=ID',
    );
  });

  test('is shut where inspection is off', async (t) => {
    const parley = await startParley(t, { config: { inspect: { enabled: false } } });
    await assert.rejects(watch(parley, 'c1'), /404/);
  });
});
