/** Checks that a change of the list of MCP servers is applied without a signal, and that a mistake in it changes nothing. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { demoServer, misbehavingServer } from '../support/parley.ts';
import { connectClient } from '../support/typed-client.ts';
import { startReloadable } from './scene.ts';

async function start(t: TestContext) {
  const scene = await startReloadable(t, {
    mcpServers: demoServer,
    config: { mcp: { watch_config_file: true } },
  });
  const client = connectClient(t, scene.url);
  return {
    scene,
    write: (text: string) => writeFile(join(scene.folder, 'servers.json'), text),
    /** Resolves when these servers are ready, and no other is there. */
    hasServers: (...names: string[]) =>
      eventually(
        async () => {
          const { servers } = await client.tools();
          return (
            servers.map(({ name, state }) => `${name} ${state}`).join() === names.map((name) => `${name} ready`).join()
          );
        },
        `the servers ${names.join(', ')}`,
      ),
  };
}

describe('a change of the list of servers', () => {
  it('is applied by itself: a server is added, another one is switched off', async (t) => {
    const { scene, write, hasServers } = await start(t);
    await write(JSON.stringify({ mcpServers: { ...demoServer, ...misbehavingServer() } }));
    await hasServers('demo', 'odd');
    await write(
      JSON.stringify({ mcpServers: { demo: { ...demoServer.demo, disabled: true }, ...misbehavingServer() } }),
    );
    await hasServers('odd');
    const changes = () =>
      scene.lines().flatMap(({ reloaded }) => (Array.isArray(reloaded) ? reloaded.map(String) : []));
    // The servers change before the log says so.
    await eventually(() => changes().length === 2, 'both changes in the log');
    assert.deepEqual(changes(), ['mcpServers.odd', 'mcpServers.demo']);
  });

  it('with a mistake changes nothing, is in the log, and is applied once it is mended', async (t) => {
    const { scene, write, hasServers } = await start(t);
    await write('{ "mcpServers": ');
    const line = await eventually(
      () => scene.lines().find(({ msg }) => msg.startsWith('reload failed')) ?? null,
      'the line about the mistake',
    );
    assert.match(String(line['problems']), /servers\.json:1:.*the file is not JSON/);
    await hasServers('demo');
    await write(JSON.stringify({ mcpServers: misbehavingServer() }));
    await hasServers('odd');
  });
});
