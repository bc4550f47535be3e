/** MCP over stdio against a real child that hangs, crashes, floods and ignores goodbyes. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createJournal, isAlive, startToolbox, stdioServer } from '../support/mcp-toolbox.ts';

const textOf = (end: { status: string; text?: string }) => end.text ?? '';

describe('a stdio server', () => {
  test('becomes ready with its catalogue, and answers calls', async (t) => {
    const box = await startToolbox([stdioServer('one')]);
    t.after(box.stop);
    await box.host.settled();

    assert.deepEqual(box.host.servers(), [{ name: 'one', state: 'ready', tools: box.host.tools().length, protocol: '2025-11-25', error: null, authorizeUrl: null }]);
    assert.deepEqual(await box.call('slow', { ms: 1 }), { status: 'ok', text: 'done', content: { content: [{ type: 'text', text: 'done' }] } });
    assert.equal(box.tool('slow').harmless, true);
    assert.equal(box.tool('count').harmless, false);
    assert.ok(box.lines.some((line) => line.startsWith('one: up as ')), 'stderr goes to the log by the line');
  });

  test('tells the ways in which a call can end apart', async (t) => {
    const box = await startToolbox([stdioServer('one')]);
    t.after(box.stop);
    await box.host.settled();

    assert.deepEqual(await box.call('fail'), { status: 'error', text: 'it did not work', content: { content: [{ type: 'text', text: 'it did not work' }] } });
    assert.equal(textOf(await box.call('image')), '[image: image/png, 3 KB]');
    assert.equal(textOf(await box.call('structured')), '{"sum":5}');
    const wrong = await box.call('slow', { ms: 'soon' });
    assert.equal(wrong.status, 'error');
    const big = textOf(await box.call('big', { chars: 10_000 }));
    assert.ok(big.length <= 400 && big.startsWith('BEGIN') && big.endsWith('END') && big.includes('characters cut'));
  });

  test('passes progress on', async (t) => {
    const box = await startToolbox([stdioServer('one')]);
    t.after(box.stop);
    await box.host.settled();
    const seen: unknown[] = [];

    const end = await box.call('progress', { steps: 2 }, { onProgress: (progress) => seen.push(progress) });

    assert.equal(textOf(end), 'all steps');
    assert.deepEqual(seen, [
      { progress: 1, total: 2, message: 'step 1' },
      { progress: 2, total: 2, message: 'step 2' },
    ]);
  });

  test('that has frozen is reconnected once a call was given up, and the next call works', async (t) => {
    const journal = createJournal();
    const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file })]);
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();
    const abort = new AbortController();

    const frozen = box.call('freeze', {}, { signal: abort.signal });
    await journal.wait('frozen');
    abort.abort();
    assert.deepEqual(await frozen, { status: 'cancelled' });
    await box.reaches('one', 'backingOff');
    assert.equal(textOf(await box.call('count')), 'counted');
  });

  test('that freezes while nothing is asked of it is found by its health check, and serves the next call', async (t) => {
    const journal = createJournal();
    const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file })], { healthIntervalMs: 100 });
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();

    await box.call('doze');
    await journal.wait('dozing');
    await box.reaches('one', 'backingOff');

    assert.equal(box.host.servers()[0]?.error, 'did not answer a health check');
    assert.equal(textOf(await box.call('count')), 'counted');
  });

  test('that is at work on a call is not asked whether it lives: many can do but one thing at a time', async (t) => {
    const journal = createJournal();
    const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file })], { healthIntervalMs: 20, pingTimeoutMs: 20 });
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();

    assert.equal(textOf(await box.call('busy', { ms: 400 })), 'done');
    assert.equal(journal.count('started'), 1);
  });

  test('that no longer reads was never asked, so the call is made in a new process', async (t) => {
    const journal = createJournal();
    const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file })]);
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();

    assert.equal(textOf(await box.call('deafen')), 'deaf');
    assert.equal(textOf(await box.call('count')), 'counted');
    assert.deepEqual([journal.count('counted'), journal.count('started')], [1, 2]);
  });

  test('is told of a cancelled call, which ends at once', async (t) => {
    const journal = createJournal();
    const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file })]);
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();
    const abort = new AbortController();

    const end = box.call('hang', {}, { signal: abort.signal });
    await journal.wait('hanging');
    abort.abort();

    assert.deepEqual(await end, { status: 'cancelled' });
    await journal.wait('cancelled');
    assert.deepEqual(await box.call('slow', { ms: 1 }, { signal: abort.signal }), { status: 'cancelled' });
  });

  test('loses the calls in flight when it crashes, and serves the next call from a new process', async (t) => {
    const journal = createJournal();
    const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file })]);
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();
    const catalogue = box.host.tools();

    const hanging = box.call('hang');
    await journal.wait('hanging');
    assert.equal((await box.call('crash')).status, 'lost');
    assert.equal((await hanging).status, 'lost');
    assert.equal(box.host.servers()[0]?.error, 'exited with code 7');
    assert.equal(box.host.tools(), catalogue, 'the tools of a server that is away stay offered');

    assert.equal((await box.call('count')).status, 'ok');
    assert.deepEqual([journal.count('crashed'), journal.count('counted'), journal.count('started')], [1, 1, 2]);
  });

  test('fails after its reconnects, and a waiting call wakes it once more', async (t) => {
    const journal = createJournal();
    const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file, TEST_EXIT_AT_START: '3' })]);
    t.after(async () => {
      await box.stop();
      journal.remove();
    });

    await box.host.settled();
    await box.reaches('one', 'failed');
    assert.equal(journal.count('started'), 4);
    assert.equal(box.host.servers()[0]?.error, 'exited with code 3');

    const tool = { name: 'slow', server: 'one', toolName: 'slow', description: '', inputSchema: {}, definition: '', harmless: false, permission: 'always' as const };
    const end = await box.host.call(tool, {}, { signal: new AbortController().signal, timeoutMs: 10_000, onProgress: () => undefined, onLog: () => undefined, resume: null, ask: () => null, place: ['a', 'b', 'c'] });
    assert.deepEqual(end, { status: 'not_sent', text: 'The call was not made: the MCP server "one" is not available (exited with code 3).' });
    assert.equal(journal.count('started'), 5);
  });

  test('that cannot be started says why', async (t) => {
    const box = await startToolbox([{ ...stdioServer('one'), command: 'no-such-program' }], { maxReconnectAttempts: 0 });
    t.after(box.stop);

    await box.reaches('one', 'failed');

    assert.match(box.host.servers()[0]?.error ?? '', /could not be started \(ENOENT\)/);
  });

  test('is negotiated with in one start of its process, or held to one revision, as its block says', async (t) => {
    const journal = createJournal();
    const server = stdioServer('auto', { TEST_JOURNAL: journal.file });
    const box = await startToolbox(
      [
        { ...server, protocol: 'auto' },
        { ...stdioServer('old'), protocol: { revision: '2025-06-18' } },
        { ...stdioServer('new'), protocol: { revision: '2026-07-28' } },
      ],
      { maxReconnectAttempts: 0 },
    );
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();

    assert.deepEqual(box.host.servers().map(({ state }) => state), ['ready', 'ready', 'failed']);
    assert.match(box.host.servers()[2]?.error ?? '', /version negotiation/i);
    assert.equal(journal.count('started'), 1);
  });

  test('that says nothing is lost after the connection timeout', async (t) => {
    const box = await startToolbox([{ ...stdioServer('one'), command: 'sleep', args: ['600'] }], { maxReconnectAttempts: 0, connectionTimeoutMs: 100 });
    t.after(box.stop);

    await box.host.settled();

    assert.deepEqual(box.host.servers(), [{ name: 'one', state: 'failed', tools: 0, protocol: null, error: 'no answer within 0.1 s', authorizeUrl: null }]);
  });

  test('swaps its catalogue whole when its list changes', async (t) => {
    const box = await startToolbox([stdioServer('one')]);
    t.after(box.stop);
    await box.host.settled();
    const before = box.host.tools();

    await box.call('grow');
    await box.reaches('one', 'ready');
    await new Promise<void>((resolve) => {
      const subscription = box.actor('one').subscribe(() => {
        subscription.unsubscribe();
        resolve();
      });
    });

    assert.notEqual(box.host.tools(), before);
    assert.ok(!before.some(({ name }) => name === 'grown'));
    assert.equal(box.tool('grown').description, 'New here');
    assert.equal(textOf(await box.call('grown')), 'grown');
  });

  test('that redefines a tool is not called with what was meant for the old one, and is for the new', async (t) => {
    const journal = createJournal();
    const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file })]);
    t.after(async () => {
      await box.stop();
      journal.remove();
    });
    await box.host.settled();
    const pinned = box.tool('count');
    const call = (tool: typeof pinned) => box.host.call(tool, {}, { signal: new AbortController().signal, timeoutMs: 10_000, onProgress: () => undefined, onLog: () => undefined, resume: null, ask: () => null, place: ['a', 'b', 'c'] });
    const changed = Promise.withResolvers<void>();
    const before = box.host.tools();
    const subscription = box.actor('one').subscribe(() => box.host.tools() !== before && changed.resolve());
    await box.call('redefine');
    await changed.promise;
    subscription.unsubscribe();

    const end = await call(pinned);
    assert.deepEqual([end.status, journal.count('counted')], ['error', 0]);
    assert.match(textOf(end), /^The tool was not run: its server has redefined it/);
    assert.equal((await call({ ...pinned, definition: '' })).status, 'ok', 'what is not known is not judged');
    assert.equal((await box.call('count')).status, 'ok');
  });

  test('that sends more than a message may weigh is dropped and comes back', async (t) => {
    const box = await startToolbox([stdioServer('one')], { maxMessageBytes: 64 * 1024 });
    t.after(box.stop);
    await box.host.settled();

    assert.equal((await box.call('big', { chars: 100_000 })).status, 'lost');
    assert.match(box.host.servers()[0]?.error ?? '', /more than 65536 bytes/);
    assert.equal((await box.call('slow', { ms: 1 })).status, 'ok');
  });

  test('is shown in plain text, whatever it writes; the log keeps the whole', async (t) => {
    const box = await startToolbox([stdioServer('one')]);
    t.after(box.stop);
    await box.host.settled();

    const end = await box.call('dirty');

    assert.equal(textOf(end), 'red and plain');
    assert.ok(JSON.stringify(end).includes('u001b[31mred'));
  });

  test('that nests a result too deep has given none, and nobody falls over it', async (t) => {
    const box = await startToolbox([stdioServer('one')]);
    t.after(box.stop);
    await box.host.settled();

    const end = await box.call('abyss', { levels: 20_000 });

    assert.equal(end.status, 'error');
    assert.match(textOf(end), /more than 200 levels/);
    assert.equal(textOf(await box.call('count')), 'counted');
  });

  test('offers the tools that its block chooses, and the log tells of a name that it does not have', async (t) => {
    const box = await startToolbox([{ ...stdioServer('one'), includeTools: ['count', 'slow', 'cuont'], excludeTools: ['slow'] }]);
    t.after(box.stop);
    await box.host.settled();

    assert.deepEqual(box.host.tools().map(({ name }) => name), ['count']);
    assert.ok(box.lines.includes('one: it has no tool "cuont", which its block names'));
  });

  test('that lists more tools than may be offered is cut, and the log says so', async (t) => {
    const box = await startToolbox([stdioServer('one'), stdioServer('two')], { maxTools: 3 });
    t.after(box.stop);
    await box.host.settled();

    assert.deepEqual(box.host.tools().map(({ server }) => server), ['one', 'one', 'two']);
    assert.ok(box.lines.includes('one: it lists more than 3 tools; the others are not offered'));
    assert.ok(box.lines.some((line) => line.endsWith('with its tools there are 6, of which 3 are offered')));
  });

  test('inherits what programs need and none of our secrets', async (t) => {
    process.env['TEST_API_KEY'] = 'secret';
    t.after(() => delete process.env['TEST_API_KEY']);
    const box = await startToolbox([stdioServer('one', { LISTED: 'yes' })]);
    t.after(box.stop);
    await box.host.settled();

    const names = textOf(await box.call('environment')).split(' ');

    assert.ok(names.includes('PATH') && names.includes('LISTED') && !names.includes('TEST_API_KEY'));
  });
});

test('a server some of whose tools break the protocol offers the others, and the log tells of each', async (t) => {
  const box = await startToolbox([{ ...stdioServer('one'), args: [join(import.meta.dirname, '../support/mcp-careless-server.ts')] }]);
  t.after(box.stop);
  await box.host.settled();

  assert.deepEqual(box.host.tools().map(({ toolName }) => toolName), ['good', 'also good']);
  assert.deepEqual(box.lines.filter((line) => line.includes('not offered')), ['"typeless"', 'number 3', '"bare"'].map((tool) => `one: the tool ${tool} is not offered: it is not what the protocol says of tools`));
  assert.equal(textOf(await box.call('good')), 'called');
});

test('a server that sends what is no message, or none that anybody waits for, is served on', async (t) => {
  const box = await startToolbox([stdioServer('one')]);
  t.after(box.stop);
  await box.host.settled();

  assert.equal(textOf(await box.call('garble')), 'understood?');
  assert.equal(textOf(await box.call('count')), 'counted');
  assert.equal(box.host.servers()[0]?.state, 'ready');
});

test('a command gets its words as they are written: no shell reads them', async (t) => {
  const block = stdioServer('one');
  const words = ['$(touch x)', '; exit', '*', '$HOME', "it's", '|cat'];
  const box = await startToolbox([{ ...block, args: [...block.args, ...words] }]);
  t.after(box.stop);
  await box.host.settled();
  assert.deepEqual(JSON.parse(textOf(await box.call('words'))), words);
});

describe('draining', () => {
  test('ends servers that ignore EOF and SIGTERM, and their children, in parallel', async () => {
    const journal = createJournal();
    const env = { TEST_JOURNAL: journal.file, TEST_STUBBORN: '1' };
    const box = await startToolbox([stdioServer('one', env), stdioServer('two', env)], { closeGraceMs: 100 });
    await box.host.settled();
    const pids: number[] = [];
    for (const name of ['one__pid', 'two__pid', 'one__grandchild']) pids.push(Number(textOf(await box.call(name))));
    assert.deepEqual(pids.map(isAlive), [true, true, true]);

    await box.stop();

    assert.deepEqual(pids.map(isAlive), [false, false, false]);
    assert.equal(journal.count('ignored SIGTERM'), 2);
    assert.deepEqual(box.host.servers().map(({ state }) => state), ['stopped', 'stopped']);
    journal.remove();
  });

  test('ends the calls that wait for a server', async () => {
    const box = await startToolbox([stdioServer('one')]);
    await box.host.settled();
    const tool = box.tool('slow');
    const calls = [1, 2].map((ms) => box.host.call(tool, { ms: ms * 60_000 }, { signal: new AbortController().signal, timeoutMs: 60_000, onProgress: () => undefined, onLog: () => undefined, resume: null, ask: () => null, place: ['a', 'b', String(ms)] }));

    await box.stop();

    assert.deepEqual((await Promise.all(calls)).map(({ status }) => status), ['lost', 'lost']);
    assert.equal((await box.call('slow', { ms: 1 })).status, 'not_sent');
  });
});

test('what a server says of its results is not compiled: a hostile schema harms nobody', async (t) => {
  const box = await startToolbox([{ ...stdioServer('hostile'), args: [join(import.meta.dirname, '../support/mcp-hostile-server.ts')] }]);
  t.after(box.stop);
  await box.host.settled();
  assert.deepEqual(await box.call('trap'), { status: 'ok', text: 'got you', content: { content: [{ type: 'text', text: 'got you' }], structuredContent: {} } });
  // A rejection that nobody holds would end the process, and with it this test, in the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
});
