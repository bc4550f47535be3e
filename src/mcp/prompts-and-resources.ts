/**
 * Offers the prompts and resources of all MCP servers behind one port. It finds the server and its connection, and
 * describes failures for people. The lists themselves are in connection/list-cache.ts.
 */
import { ProtocolError } from '@modelcontextprotocol/client';
import { ownValue } from '../json.ts';
import { acquireWithin } from '../scheduling/acquire.ts';
import type { FairKey } from '../scheduling/fair-semaphore.ts';
import { reasonOf } from './connection/call-end.ts';
import type { Completing, ListCache } from './connection/list-cache.ts';
import type { Completion, FilledPrompt, Prompt, Resource, ResourcePart } from './content/prompt-and-resource.ts';
import { secretFilterOf } from './secrets/secret-filter.ts';
import { waitForConnection, type ServerHandle } from './server-handle.ts';

/** The server is unknown, cannot be reached, or refused to answer. `message` is fit for people. */
export interface Unavailable {
  unavailable: 'server' | 'connection' | 'answer';
  server: string;
  message: string;
}

/** An entry with the name of its server. */
export type FromServer<Entry> = Entry & { server: string };

/**
 * Never rejects. A request to one server waits for a permit among its calls, then wakes it and waits for it. Lists skip servers that are not connected; their
 * state is in `McpServers.statuses`.
 */
export interface PromptsAndResources {
  prompts(): Promise<FromServer<Prompt>[]>;
  resources(): Promise<FromServer<Resource>[]>;
  templates(): Promise<FromServer<Resource>[]>;
  /** `owner`: who asks. Owners take turns at a server that is at its limit. */
  fill(
    server: string,
    prompt: string,
    args: Record<string, string>,
    owner?: string,
  ): Promise<FilledPrompt | Unavailable>;
  read(server: string, uri: string, owner?: string): Promise<ResourcePart[] | Unavailable>;
  /** Reads a resource through the cache. Does not wait for a server that is not connected. */
  readCached(server: string, uri: string, owner?: string): Promise<ResourcePart[] | Unavailable>;
  complete(server: string, completing: Completing, owner?: string): Promise<Completion | Unavailable>;
}

/** The servers and the policy for them. */
export interface PromptsAndResourcesOptions {
  handles: ReadonlyMap<string, ServerHandle>;
  /** How long to wait for a server to reconnect, in ms; read each time. */
  limits: { readonly connectionTimeoutMs: number };
  /** chat.service.tools.permission, read each time. A server with `never` offers nothing. */
  policy: { readonly permission: Readonly<Record<string, string>> };
  log(server: string, line: string): void;
}

/** True if the server could not be asked. The answer then says why. */
export function isUnavailable(answer: object): answer is Unavailable {
  return 'unavailable' in answer;
}

/** Creates the port. A failed request is an `Unavailable`. A list that cannot be read is logged and empty. */
export function createPromptsAndResources({
  handles,
  limits,
  policy,
  log,
}: PromptsAndResourcesOptions): PromptsAndResources {
  const isDenied = (server: string) => ownValue(policy.permission, server) === 'never';
  let lastRequest = 0;

  async function listAll<Entry extends object>(
    read: (lists: ListCache) => Promise<readonly Entry[]>,
  ): Promise<FromServer<Entry>[]> {
    const entriesOfServers = [...handles].map(async ([server, { connection, block }]) => {
      const secrets = secretFilterOf(block);
      const entries =
        connection === null || isDenied(server)
          ? []
          : await read(connection.lists).catch((error: unknown) => {
              log(server, secrets.report(`its lists could not be read: ${reasonOf(error)}`));
              return [];
            });
      return secrets.listAll(entries).map((entry) => ({ ...entry, server }));
    });
    return (await Promise.all(entriesOfServers)).flat();
  }

  async function request<Value>(
    server: string,
    owner: string,
    send: (lists: ListCache) => Promise<Value>,
  ): Promise<Value | Unavailable> {
    const handle = handles.get(server);
    if (handle === undefined) return { unavailable: 'server', server, message: `No MCP server is called "${server}".` };
    if (isDenied(server))
      return {
        unavailable: 'server',
        server,
        message: `The configuration denies the MCP server "${server}" (chat.service.tools.permission).`,
      };
    lastRequest += 1;
    const place: FairKey = [owner, '', `request ${lastRequest}`];
    const { signal } = new AbortController();
    const waiting = { signal, withinMs: limits.connectionTimeoutMs };
    // Tool calls wait in the same queue, so together they keep the limit of the server.
    if (!(await acquireWithin(handle.callQueue, place, waiting)))
      return {
        unavailable: 'connection',
        server,
        message: `The MCP server "${server}" has reached its limit of concurrent calls.`,
      };
    const secrets = secretFilterOf(handle.block);
    try {
      const connection = handle.connection ?? (await waitForConnection(handle, signal, limits.connectionTimeoutMs));
      return connection === null ? notConnected(server) : secrets.contentAll(await send(connection.lists));
    } catch (error) {
      const refused = error instanceof ProtocolError;
      return {
        unavailable: refused ? 'answer' : 'connection',
        server,
        message: `The MCP server "${server}" ${refused ? 'refused' : 'did not answer'}: ${secrets.report(reasonOf(error))}`,
      };
    } finally {
      handle.callQueue.release(place);
    }
  }

  return {
    prompts: () => listAll((lists) => lists.prompts()),
    resources: () => listAll((lists) => lists.resources()),
    templates: () => listAll((lists) => lists.templates()),
    fill: (server, prompt, args, owner = '') => request(server, owner, (lists) => lists.fill(prompt, args)),
    read: (server, uri, owner = '') => request(server, owner, (lists) => lists.read(uri)),
    readCached: async (server, uri, owner = '') =>
      handles.get(server)?.connection === null
        ? notConnected(server)
        : request(server, owner, (lists) => lists.readCached(uri)),
    complete: (server, completing, owner = '') => request(server, owner, (lists) => lists.complete(completing)),
  };
}

function notConnected(server: string): Unavailable {
  return { unavailable: 'connection', server, message: `The MCP server "${server}" is not available.` };
}
