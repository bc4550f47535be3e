/**
 * Starts a scripted server and connects the shipped client through a proxy that can cut, freeze and redirect
 * connections.
 */
import type { TestContext } from 'node:test';
import { startScripted, type ParleyOptions } from '../support/parley.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient } from '../support/typed-client.ts';

/** `remote` is the client that connects through the proxy. */
export async function startBehindProxy(t: TestContext, options: Omit<ParleyOptions, 'modelUrl'> = {}) {
  const { parley, model } = await startScripted(t, options);
  const proxy = await startProxy(t, parley.url);
  return { parley, model, proxy, remote: connectClient(t, proxy.url) };
}
