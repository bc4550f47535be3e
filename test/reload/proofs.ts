/** Defines a proof of a reloadable key, and the server that it begins with. */
import type { TestContext } from 'node:test';
import { startModelServer, type ModelServer } from '../support/model/server.ts';
import type { TempHomeOptions } from '../support/temp-home.ts';
import { connectClient, type RecordedClient } from '../support/typed-client.ts';
import { startReloadable, type Reloadable } from './scene.ts';

/** Shows from outside that the new values of these keys are in force after a reload. */
export interface Proof {
  /** Keys that reach the server as fields of one object of options may share a proof of some of them. */
  keys: readonly string[];
  shows: string;
  prove(t: TestContext): Promise<void>;
}

export interface Scripted {
  scene: Reloadable;
  model: ModelServer;
  client: RecordedClient;
  url: string;
}

/** A scripted model, the server in front of it, and a client. */
export async function startScriptedReload(
  t: TestContext,
  options: Omit<TempHomeOptions, 'modelUrl'> = {},
): Promise<Scripted> {
  const model = await startModelServer();
  t.after(() => model.close());
  const scene = await startReloadable(t, { ...options, modelUrl: model.url });
  return { scene, model, url: scene.url, client: connectClient(t, scene.url) };
}
