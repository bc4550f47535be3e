/** Tests SIGHUP: the log line, wrong files, and the status on /health and /metrics. */
import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stalls } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { demoServer, misbehavingServer } from '../support/parley.ts';
import { merge } from '../support/merge.ts';
import { eventually } from '../support/eventually.ts';
import { createTempHome } from '../support/temp-home.ts';
import { connectClient } from '../support/typed-client.ts';
import { startReloadable, startReloadableProcess, type Reloadable } from './scene.ts';

const metric = async (scene: Reloadable, name: string) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await scene.http('/metrics'))?.[1]);

describe('SIGHUP', () => {
  it('reports in one line what is in force now and what needs a restart, without values', async (t) => {
    const scene = await startReloadableProcess(t);
    const line = await scene.reload({
      chat: { service: { system_prompt: 'Be brief.', queue_length: 3 }, websocket: { host: '127.0.0.1' } },
      llm: {
        providers: { own: { base_url: 'http://127.0.0.1:1/v1', model: 'm', headers: { 'x-secret': 'open sesame' } } },
      },
      repository: { path: 'other.db' },
    });
    assert.deepEqual([line.msg, line['level']], ['configuration reloaded', 30]);
    assert.deepEqual(line['reloaded'], [
      'llm.providers.own',
      'chat.service.system_prompt',
      'chat.service.queue_length',
    ]);
    assert.deepEqual(line['needs_restart'], ['chat.websocket.host', 'repository.path']);
    assert.ok(!scene.parley.output.stderr.includes('sesame'));
  });

  it('without a change reloads nothing, and the server goes on', async (t) => {
    const scene = await startReloadableProcess(t, { mcpServers: demoServer });
    const { reloaded, needs_restart } = await scene.reloadFiles();
    assert.deepEqual([reloaded, needs_restart], [[], []]);
    await connectClient(t, scene.url).chat('Hi').end;
  });

  it('still names, at the next reload, what needs a restart', async (t) => {
    const scene = await startReloadableProcess(t);
    await scene.reload({ chat: { websocket: { endpoint: '/elsewhere' } } });
    assert.deepEqual((await scene.reloadFiles())['needs_restart'], ['chat.websocket.endpoint']);
  });

  it('keeps the --port of the start, with any port in the file', async (t) => {
    const scene = await startReloadableProcess(t, {}, { args: ['--port', '0'] });
    assert.deepEqual((await scene.reload({ chat: { websocket: { port: 4321 } } }))['needs_restart'], []);
  });

  it('is ignored, with a line in the log, while the server drains', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    const scene = await startReloadableProcess(t, { modelUrl: model.url, config: { shutdown: { drain_timeout: 60 } } });
    model.script(stalls('Once '));
    const turn = connectClient(t, scene.url).chat('tell me a story');
    turn.end.catch(() => undefined);
    for await (const chunk of turn) if (chunk.type === 'text') break;
    scene.parley.kill('SIGTERM');
    await eventually(() => scene.parley.output.stderr.includes('draining'), 'the drain');
    assert.match((await scene.reloadFiles()).msg, /reload ignored: server is/);
    scene.parley.kill('SIGTERM');
    await scene.parley.exited;
  });

  it('is ignored, with a line in the log, while the server starts', async (t) => {
    const home = await createTempHome(t, {
      mcpServers: misbehavingServer({ TEST_START_FILE: 'go' }),
      config: { logging: { format: 'json' } },
    });
    const parley = home.start();
    await eventually(() => stat(home.database).catch(() => null), 'the start to be under way');
    parley.kill('SIGHUP');
    await eventually(() => parley.output.stderr.includes('reload ignored: server is starting'), 'the line');
    await writeFile(join(home.folder, 'go'), '');
    await parley.listening;
  });

  it('twice in a row reloads at least once after the last change, and never at the same time', async (t) => {
    const scene = await startReloadableProcess(t);
    await writeFile(
      join(scene.folder, 'config.yaml'),
      JSON.stringify(merge(scene.config, { chat: { service: { queue_length: 7 } } })),
    );
    for (let sent = 0; sent < 5; sent += 1) scene.parley.kill('SIGHUP');
    const lines = await eventually(() => {
      const said = scene.lines().filter(({ msg }) => msg === 'configuration reloaded');
      return said.length > 0 ? said : null;
    }, 'the reload');
    assert.deepEqual(lines[0]?.['reloaded'], ['chat.service.queue_length']);
  });
});

describe('a file that is wrong', () => {
  it('is refused with every problem and its line, and the configuration in force stays', async (t) => {
    const scene = await startReloadable(t, { config: { chat: { service: { max_text_length: 10 } } } });
    const line = await scene.reloadText('chat:\n  service:\n    max_text_length: none\n    idle_timeot: 5\n');
    assert.deepEqual([line.msg, line['level']], ['reload failed: invalid configuration; the current one stays', 50]);
    assert.deepEqual(line['problems'], [
      'The configuration has 2 problems:',
      '  config.yaml:3: chat.service.max_text_length is none; allowed: a whole number of characters, 1 or more.',
      '  config.yaml:4: chat.service.idle_timeot is not a known key; did you mean idle_timeout?',
    ]);
    await assert.rejects(connectClient(t, scene.url).chat('more than ten characters').end, {
      code: 'invalid_request',
    });
  });

  it('of servers changes nothing of the other file either', async (t) => {
    const scene = await startReloadable(t, { config: { chat: { service: { max_text_length: 10 } } } });
    scene.mcpServers = { broken: {} };
    const line = await scene.reload({ chat: { service: { max_text_length: 100_000 } } });
    assert.match(String(line['problems']), /servers\.json:1:\d+: mcpServers\.broken: expected either "command"/);
    await assert.rejects(connectClient(t, scene.url).chat('more than ten characters').end, {
      code: 'invalid_request',
    });
  });

  it('that names a provider without a key changes nothing', async (t) => {
    const scene = await startReloadable(t);
    const line = await scene.reload({ llm: { active: 'openai' } });
    assert.match(
      String(line['problems']),
      /Provider "openai" needs an API key: set the environment variable OPENAI_API_KEY/,
    );
    await connectClient(t, scene.url).chat('Hi').end;
  });

  it('is refused as a whole when only a restart can make its keys fit', async (t) => {
    const scene = await startReloadable(t);
    const line = await scene.reload({
      auth: { mode: 'token', tokens: [{ subject: 'alice', sha256: 'a'.repeat(64) }] },
    });
    assert.match(String(line['problems']), /needs a restart\. Without it, auth\.mode would keep the old value/);
    await connectClient(t, scene.url).chat('Hi').end;
  });
});

describe('how the last reload ended', () => {
  it('is on /metrics and /health; the start counts as the first one', async (t) => {
    const scene = await startReloadable(t);
    const startedAt = await metric(scene, 'parley_config_last_reload_success_timestamp_seconds');
    assert.equal(await metric(scene, 'parley_config_last_reload_successful'), 1);
    assert.ok(startedAt > 1_700_000_000);

    await scene.reloadText('nonsense: [');
    assert.equal(await metric(scene, 'parley_config_last_reload_successful'), 0);
    assert.equal(await metric(scene, 'parley_config_last_reload_success_timestamp_seconds'), startedAt);
    assert.equal(JSON.parse(await scene.http('/health')).configuration.last_reload_successful, false);

    await scene.reload();
    assert.equal(await metric(scene, 'parley_config_last_reload_successful'), 1);
    assert.ok((await metric(scene, 'parley_config_last_reload_success_timestamp_seconds')) > startedAt);
    const { configuration } = JSON.parse(await scene.http('/health'));
    assert.equal(configuration.last_reload_successful, true);
    assert.ok(Date.parse(configuration.last_reload_success) >= startedAt * 1000);
  });
});
