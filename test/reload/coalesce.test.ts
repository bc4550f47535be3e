/** Tests reloads that are requested while one is running, and what the last ones came to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLiveSettings } from '../../src/config/live-settings.ts';
import { configSchema, type Config } from '../../src/config/schema/schema.ts';
import { AppError } from '../../src/errors.ts';
import { createReload } from '../../src/reload.ts';

function createScene() {
  const list: { changed: string[]; isWrong: boolean } = { changed: [], isWrong: false };
  const readings: PromiseWithResolvers<Config>[] = [];
  const lines: string[] = [];
  const say = (_fields: unknown, message?: string) => void lines.push(message ?? String(_fields));
  const reload = createReload({
    settings: createLiveSettings(configSchema.parse({})),
    readConfig() {
      const reading = Promise.withResolvers<Config>();
      readings.push(reading);
      return reading.promise;
    },
    prepare() {
      if (list.isWrong) throw new AppError('config_invalid', 'the list is wrong');
      return { changed: list.changed, apply: () => Promise.resolve() };
    },
    isServing: () => true,
    log: { info: say, warn: say, error: say },
  });
  return { reload, readings, lines, list };
}

describe('reloads that are asked for during one', () => {
  it('are one more reload afterwards, which reads the files again', async () => {
    const { reload, readings, lines } = createScene();
    const runs = [reload.run(), reload.run(), reload.run()];
    assert.equal(readings.length, 1);
    readings[0]?.resolve(configSchema.parse({}));
    await runs[0];
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(readings.length, 2);
    readings[1]?.resolve(configSchema.parse({ chat: { service: { queue_length: 1 } } }));
    await Promise.all(runs);
    assert.deepEqual([readings.length, lines.length], [2, 2]);
  });

  it('run although that one fails', async () => {
    const { reload, readings, lines } = createScene();
    const runs = [reload.run(), reload.run()];
    readings[0]?.reject(new Error('a bug'));
    await runs[0];
    await new Promise((resolve) => setImmediate(resolve));
    readings[1]?.resolve(configSchema.parse({}));
    await Promise.all(runs);
    assert.deepEqual(lines, ['reload failed', 'configuration reloaded']);
    assert.equal(reload.status().successful, true);
  });
});

describe('the status of reloads', () => {
  it('is a success again when the wrong list of servers is as it was before', async () => {
    const { reload, list, lines } = createScene();
    list.isWrong = true;
    await reload.runServers();
    assert.equal(reload.status().successful, false);
    list.isWrong = false;
    await reload.runServers();
    assert.equal(reload.status().successful, true);
    assert.match(lines.at(-1) ?? '', /valid again/);
    await reload.runServers();
    assert.equal(lines.length, 2, 'said once');
  });

  it('stays a failure after a wrong configuration, also if the list of servers changes', async () => {
    const { reload, readings, list } = createScene();
    const wrong = reload.run();
    readings[0]?.reject(new AppError('config_invalid', 'the configuration is wrong'));
    await wrong;
    list.changed = ['mcpServers.new'];
    await reload.runServers();
    list.isWrong = true;
    await reload.runServers();
    list.isWrong = false;
    await reload.runServers();
    assert.equal(reload.status().successful, false);
    const mended = reload.run();
    readings[1]?.resolve(configSchema.parse({}));
    await mended;
    assert.equal(reload.status().successful, true);
  });
});
