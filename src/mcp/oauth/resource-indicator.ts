/**
 * Checks the `resource` that a server's metadata states (RFC 9728, section 3.3) against the address of the server, so
 * that no server can get a token for another one.
 */
import { isSameServer, pathOf } from './same-server.ts';

/** Returns the resource to request a token for. Undefined if the metadata states none. Throws if it is another server's. */
export function resourceOf(serverUrl: string | URL, stated: string | undefined): URL | undefined {
  if (stated === undefined) return undefined;
  const [server, resource] = [new URL(serverUrl), new URL(stated)];
  const isPart = `${pathOf(server)}/`.startsWith(`${pathOf(resource)}/`);
  if (!isPart || !isSameServer(resource, server))
    throw new Error(`has metadata of another resource: it states ${stated}, and its address is ${server.href}`);
  // The SDK sends `href`. It adds a slash to an address without a path, which some authorization servers reject.
  return Object.defineProperty(resource, 'href', { value: stated });
}
