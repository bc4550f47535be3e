/** A scripted server, and the client that ships on a wire that the test can cut, freeze and lead elsewhere. */
import type { TestContext } from 'node:test';
import { startScripted, type ParleyOptions } from '../support/parley.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient } from '../support/typed-client.ts';

/** `remote` goes through the proxy. */
export async function startBehindProxy(t: TestContext, options: Omit<ParleyOptions, 'modelUrl'> = {}) {
  const { parley, model } = await startScripted(t, options);
  const proxy = await startProxy(t, parley.url);
  return { parley, model, proxy, remote: connectClient(t, proxy.url) };
}
