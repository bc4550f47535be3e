/** Tests calls over stdio to a real child: their ends, their results, and the child's environment. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openJournalled, openMcpServers, textOf } from '../support/mcp-open.ts';
import { stdioServer } from '../support/mcp-servers.ts';

describe('a stdio server', () => {
  test('becomes ready with its catalogue, and answers calls', async (t) => {
    const box = await openMcpServers(t, [stdioServer('one')]);

    assert.deepEqual(box.host.statuses(), [
      {
        name: 'one',
        state: 'ready',
        tools: box.host.tools().length,
        protocol: '2025-11-25',
        error: null,
        authorizeUrl: null,
      },
    ]);
    assert.deepEqual(await box.call('slow', { ms: 1 }), {
      status: 'ok',
      text: 'done',
      content: { content: [{ type: 'text', text: 'done' }] },
    });
    assert.equal(box.tool('slow').idempotent, true);
    assert.equal(box.tool('count').idempotent, false);
    assert.ok(
      box.lines.some((line) => line.startsWith('one: up as ')),
      'stderr goes to the log by the line',
    );
  });

  test('has a different end for each way in which a call can end', async (t) => {
    const box = await openMcpServers(t, [stdioServer('one')], { maxImageBytes: 4096 });

    assert.deepEqual(await box.call('fail'), {
      status: 'error',
      text: 'it did not work',
      content: { content: [{ type: 'text', text: 'it did not work' }] },
    });
    assert.equal(textOf(await box.call('image')), '[image: image/png, 3 KB]');
    assert.equal(textOf(await box.call('structured')), '{"sum":5}');
    const wrong = await box.call('slow', { ms: 'soon' });
    assert.equal(wrong.status, 'error');
    const big = textOf(await box.call('big', { chars: 10_000 }));
    assert.ok(big.length <= 400 && big.startsWith('BEGIN') && big.endsWith('END') && big.includes('characters cut'));
  });

  test('passes progress on', async (t) => {
    const box = await openMcpServers(t, [stdioServer('one')]);
    const seen: unknown[] = [];

    const end = await box.call('progress', { steps: 2 }, { onProgress: (progress) => seen.push(progress) });

    assert.equal(textOf(end), 'all steps');
    assert.deepEqual(seen, [
      { progress: 1, total: 2, message: 'step 1' },
      { progress: 2, total: 2, message: 'step 2' },
    ]);
  });

  test('is notified of a cancelled call, which ends at once', async (t) => {
    const { box, journal } = await openJournalled(t);
    const abort = new AbortController();

    const end = box.call('hang', {}, { signal: abort.signal });
    await journal.wait('hanging');
    abort.abort();

    assert.deepEqual(await end, { status: 'cancelled' });
    await journal.wait('cancelled');
    assert.deepEqual(await box.call('slow', { ms: 1 }, { signal: abort.signal }), { status: 'cancelled' });
  });

  test('is disconnected after an oversized message, and reconnects', async (t) => {
    const box = await openMcpServers(t, [stdioServer('one')], { maxMessageBytes: 64 * 1024 });

    assert.equal((await box.call('big', { chars: 100_000 })).status, 'lost');
    assert.match(box.host.statuses()[0]?.error ?? '', /more than 65536 bytes/);
    assert.equal((await box.call('slow', { ms: 1 })).status, 'ok');
  });

  test('has its results sanitized for the model; the log keeps the original', async (t) => {
    const box = await openMcpServers(t, [stdioServer('one')]);

    const end = await box.call('dirty');

    assert.equal(textOf(end), 'red and plain');
    assert.ok(JSON.stringify(end).includes('u001b[31mred'));
  });

  test('has a result rejected that is nested too deep', async (t) => {
    const box = await openMcpServers(t, [stdioServer('one')]);

    const end = await box.call('abyss', { levels: 20_000 });

    assert.equal(end.status, 'error');
    assert.match(textOf(end), /more than 200 levels/);
    assert.equal(textOf(await box.call('count')), 'counted');
  });

  test('inherits what programs need and none of the secrets', async (t) => {
    process.env['TEST_API_KEY'] = 'secret';
    process.env['NO_PROXY'] = 'near.invalid';
    t.after(() => delete process.env['TEST_API_KEY']);
    t.after(() => delete process.env['NO_PROXY']);
    const box = await openMcpServers(t, [stdioServer('one', { LISTED: 'yes' })]);

    const names = textOf(await box.call('environment')).split(' ');

    assert.ok(
      names.includes('PATH') &&
        names.includes('LISTED') &&
        names.includes('NO_PROXY') &&
        !names.includes('TEST_API_KEY'),
    );
  });
});

test('a server stays connected after invalid and unexpected messages', async (t) => {
  const box = await openMcpServers(t, [stdioServer('one')]);

  assert.equal(textOf(await box.call('garble')), 'understood?');
  assert.equal(textOf(await box.call('count')), 'counted');
  assert.equal(box.host.statuses()[0]?.state, 'ready');
});

test('a command gets its arguments unchanged, without a shell', async (t) => {
  const block = stdioServer('one');
  const words = ['$(touch x)', '; exit', '*', '$HOME', "it's", '|cat'];
  const box = await openMcpServers(t, [{ ...block, args: [...block.args, ...words] }]);
  assert.deepEqual(JSON.parse(textOf(await box.call('words'))), words);
});
