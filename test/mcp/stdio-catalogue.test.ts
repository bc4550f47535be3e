/** Tests the catalogue of a stdio server: selection, limits, changes and protocol violations. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openJournalled, openMcpServers, textOf } from '../support/mcp-open.ts';
import { stdioServer } from '../support/mcp-servers.ts';

describe('a stdio server', () => {
  test('has its catalogue replaced as a whole when its list changes', async (t) => {
    const box = await openMcpServers(t, [stdioServer('one')]);
    const before = box.host.tools();

    await box.call('grow');
    // The call ends after the new list.
    assert.notEqual(box.host.tools(), before);
    assert.ok(!before.some(({ name }) => name === 'grown'));
    assert.equal(box.tool('grown').description, 'New here');
    assert.equal(textOf(await box.call('grown')), 'grown');
  });

  test('gets no call that was meant for an older definition of a tool', async (t) => {
    const { box, journal } = await openJournalled(t);
    const pinned = box.tool('count');
    const changed = Promise.withResolvers<void>();
    const before = box.host.tools();
    const subscription = box.actor('one').subscribe(() => box.host.tools() !== before && changed.resolve());
    await box.call('redefine');
    await changed.promise;
    subscription.unsubscribe();

    const end = await box.callTool(pinned);
    assert.deepEqual([end.status, journal.count('counted')], ['error', 0]);
    assert.match(textOf(end), /^The call was not made, because the server has changed the tool/);
    assert.equal((await box.callTool({ ...pinned, definition: '' })).status, 'ok', 'what is not known is not judged');
    assert.equal((await box.call('count')).status, 'ok');
  });

  test('offers the tools that its block selects, and the log names unknown ones', async (t) => {
    const box = await openMcpServers(t, [
      { ...stdioServer('one'), includeTools: ['count', 'slow', 'cuont'], excludeTools: ['slow'] },
    ]);

    assert.deepEqual(
      box.host.tools().map(({ name }) => name),
      ['count'],
    );
    assert.ok(
      box.lines.some((line) =>
        line.startsWith('one: it has no tool "cuont", which is listed under includeTools of its block'),
      ),
      box.lines.join(),
    );
  });

  test('offers no more tools than the limit, and the log says so', async (t) => {
    const box = await openMcpServers(t, [stdioServer('one'), stdioServer('two')], { maxTools: 3 });

    assert.deepEqual(
      box.host.tools().map(({ server }) => server),
      ['one', 'one', 'two'],
    );
    assert.ok(box.lines.includes('one: it lists more than 3 tools; the others are not offered'));
    assert.ok(box.lines.some((line) => line.endsWith('all servers together list 6 tools; only 3 are offered')));
  });
});

test('a server offers its valid tools, and the log names the invalid ones', async (t) => {
  const box = await openMcpServers(t, [
    { ...stdioServer('one'), args: [join(import.meta.dirname, '../support/mcp-careless-server.ts')] },
  ]);

  assert.deepEqual(
    box.host.tools().map(({ toolName }) => toolName),
    ['good', 'also good'],
  );
  assert.deepEqual(
    box.lines.filter((line) => line.includes('not offered')),
    ['"typeless"', 'number 3', '"bare"'].map(
      (tool) => `one: the tool ${tool} is not offered: its definition violates the protocol`,
    ),
  );
  assert.equal(textOf(await box.call('good')), 'called');
  assert.equal(textOf(await box.call('also_good')), '7', 'content that breaks the protocol is kept as text');
});

test('a hostile output schema is not compiled and does no harm', async (t) => {
  const box = await openMcpServers(t, [
    { ...stdioServer('hostile'), args: [join(import.meta.dirname, '../support/mcp-hostile-server.ts')] },
  ]);
  assert.deepEqual(await box.call('trap'), {
    status: 'ok',
    text: 'got you',
    content: { content: [{ type: 'text', text: 'got you' }], structuredContent: {} },
  });
  // An unhandled rejection would end the process, and this test, in the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
});
