/** A scripted model and a home for server processes in front of it, for tests that kill the one and keep the other. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startModelServer, type ModelServer } from './model/server.ts';
import { createHome, type Home, type HomeOptions } from './server-process.ts';

/** The histories that the model got are judged when the test ends. */
export async function createScriptedHome(
  test: TestContext,
  options: Omit<HomeOptions, 'modelUrl'> = {},
): Promise<{ model: ModelServer; home: Home }> {
  const model = await startModelServer();
  const home = await createHome(test, { ...options, modelUrl: model.url });
  test.after(async () => {
    await model.close();
    assert.deepEqual(model.violations, [], 'the model got an invalid history');
  });
  return { model, home };
}
