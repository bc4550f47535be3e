/**
 * The prompts and resources of all MCP servers behind one port. It finds the server and its connection, and turns
 * what goes wrong into words; what a server offers is its shelf's to know (shelf.ts).
 */
import { ProtocolError } from '@modelcontextprotocol/client';
import { reasonOf } from './connection/call-end.ts';
import type { Completion, FilledPrompt, Prompt, Resource, ResourcePart } from './content/prompt-and-resource.ts';
import { waitForConnection, type ServerHandle } from './server-handle.ts';
import type { Completing, ListCache } from './connection/list-cache.ts';

/** Why something was not had: there is no such server, it cannot be reached, or it will not. `message` is fit for people. */
export interface Unavailable {
  unavailable: 'server' | 'connection' | 'answer';
  server: string;
  message: string;
}

/** An entry with the server it is from. */
export type FromServer<Entry> = Entry & { server: string };

/**
 * Never rejects. What is asked of one server wakes it and waits for it; lists leave out those that are away, whose
 * state the toolbox tells.
 */
export interface PromptsAndResources {
  prompts(): Promise<FromServer<Prompt>[]>;
  resources(): Promise<FromServer<Resource>[]>;
  templates(): Promise<FromServer<Resource>[]>;
  fill(server: string, prompt: string, args: Record<string, string>): Promise<FilledPrompt | Unavailable>;
  read(server: string, uri: string): Promise<ResourcePart[] | Unavailable>;
  /** What a resource holds, kept for as long as its server tells of changes; at once missing while the server is away. */
  readCached(server: string, uri: string): Promise<ResourcePart[] | Unavailable>;
  complete(server: string, completing: Completing): Promise<Completion | Unavailable>;
}

export interface PromptsAndResourcesOptions {
  handles: ReadonlyMap<string, ServerHandle>;
  /** For a server that is away to come back, in ms; read each time. */
  limits: { readonly connectionTimeoutMs: number };
  log(server: string, line: string): void;
}

function away(server: string): Unavailable {
  return { unavailable: 'connection', server, message: `The MCP server "${server}" is not available.` };
}

export function isUnavailable(answer: object): answer is Unavailable {
  return 'unavailable' in answer;
}

export function createPromptsAndResources({
  handles: members,
  limits,
  log,
}: PromptsAndResourcesOptions): PromptsAndResources {
  async function list<Entry extends object>(
    read: (shelf: ListCache) => Promise<readonly Entry[]>,
  ): Promise<FromServer<Entry>[]> {
    const lists = [...members].map(async ([server, { connection }]) => {
      const entries =
        connection === null
          ? []
          : await read(connection.lists).catch((error: unknown) => {
              log(server, `its lists could not be read: ${reasonOf(error)}`);
              return [];
            });
      return entries.map((entry) => ({ ...entry, server }));
    });
    return (await Promise.all(lists)).flat();
  }

  async function ask<Answer>(
    server: string,
    request: (shelf: ListCache) => Promise<Answer>,
  ): Promise<Answer | Unavailable> {
    const missing = (what: Unavailable['unavailable'], message: string): Unavailable => ({
      unavailable: what,
      server,
      message,
    });
    const member = members.get(server);
    if (member === undefined) return missing('server', `There is no MCP server "${server}".`);
    const connection =
      member.connection ?? (await waitForConnection(member, new AbortController().signal, limits.connectionTimeoutMs));
    if (connection === null) return away(server);
    try {
      return await request(connection.lists);
    } catch (error) {
      const refused = error instanceof ProtocolError;
      return missing(
        refused ? 'answer' : 'connection',
        `The MCP server "${server}" ${refused ? 'refused' : 'did not answer'}: ${reasonOf(error)}`,
      );
    }
  }

  return {
    prompts: () => list((shelf) => shelf.prompts()),
    resources: () => list((shelf) => shelf.resources()),
    templates: () => list((shelf) => shelf.templates()),
    fill: (server, prompt, args) => ask(server, (shelf) => shelf.fill(prompt, args)),
    read: (server, uri) => ask(server, (shelf) => shelf.read(uri)),
    readCached: async (server, uri) =>
      members.get(server)?.connection === null ? away(server) : ask(server, (shelf) => shelf.readCached(uri)),
    complete: (server, completing) => ask(server, (shelf) => shelf.complete(completing)),
  };
}
