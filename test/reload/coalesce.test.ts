/** Tests reloads that are requested while one is running. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLiveSettings } from '../../src/config/live-settings.ts';
import { configSchema, type Config } from '../../src/config/schema/schema.ts';
import { createReload } from '../../src/reload.ts';

function createScene() {
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
    prepare: () => ({ changed: [], apply: () => Promise.resolve() }),
    isServing: () => true,
    log: { info: say, warn: say, error: say },
  });
  return { reload, readings, lines };
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
