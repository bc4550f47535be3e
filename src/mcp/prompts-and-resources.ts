/**
 * The prompts and resources of all MCP servers behind one port. It finds the server and its connection, and turns
 * what goes wrong into words; what a server offers is its shelf's to know (shelf.ts).
 */
import { ProtocolError } from '@modelcontextprotocol/client';
import { reasonOf } from './connection/call-end.ts';
import type { Completion, FilledPrompt, Prompt, Resource, ResourcePart } from './content/prompt-and-resource.ts';
import { connected, type Member } from './server-handle.ts';
import type { Completing, Shelf } from './connection/list-cache.ts';

/** Why something was not had: there is no such server, it cannot be reached, or it will not. `message` is fit for people. */
export interface Missing {
  missing: 'server' | 'connection' | 'answer';
  server: string;
  message: string;
}

/** An entry with the server it is from. */
export type FromServer<Entry> = Entry & { server: string };

/**
 * Never rejects. What is asked of one server wakes it and waits for it; lists leave out those that are away, whose
 * state the toolbox tells.
 */
export interface Library {
  prompts(): Promise<FromServer<Prompt>[]>;
  resources(): Promise<FromServer<Resource>[]>;
  templates(): Promise<FromServer<Resource>[]>;
  fill(server: string, prompt: string, args: Record<string, string>): Promise<FilledPrompt | Missing>;
  read(server: string, uri: string): Promise<ResourcePart[] | Missing>;
  /** What a resource holds, kept for as long as its server tells of changes; at once missing while the server is away. */
  current(server: string, uri: string): Promise<ResourcePart[] | Missing>;
  complete(server: string, completing: Completing): Promise<Completion | Missing>;
}

export interface LibraryOptions {
  members: ReadonlyMap<string, Member>;
  /** For a server that is away to come back, in ms; read each time. */
  limits: { readonly connectionTimeoutMs: number };
  log(server: string, line: string): void;
}

function away(server: string): Missing {
  return { missing: 'connection', server, message: `The MCP server "${server}" is not available.` };
}

export function isMissing(answer: object): answer is Missing {
  return 'missing' in answer;
}

export function createLibrary({ members, limits, log }: LibraryOptions): Library {
  async function list<Entry extends object>(
    read: (shelf: Shelf) => Promise<readonly Entry[]>,
  ): Promise<FromServer<Entry>[]> {
    const lists = [...members].map(async ([server, { connection }]) => {
      const entries =
        connection === null
          ? []
          : await read(connection.shelf).catch((error: unknown) => {
              log(server, `its lists could not be read: ${reasonOf(error)}`);
              return [];
            });
      return entries.map((entry) => ({ ...entry, server }));
    });
    return (await Promise.all(lists)).flat();
  }

  async function ask<Answer>(server: string, request: (shelf: Shelf) => Promise<Answer>): Promise<Answer | Missing> {
    const missing = (what: Missing['missing'], message: string): Missing => ({ missing: what, server, message });
    const member = members.get(server);
    if (member === undefined) return missing('server', `There is no MCP server "${server}".`);
    const connection =
      member.connection ?? (await connected(member, new AbortController().signal, limits.connectionTimeoutMs));
    if (connection === null) return away(server);
    try {
      return await request(connection.shelf);
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
    current: async (server, uri) =>
      members.get(server)?.connection === null ? away(server) : ask(server, (shelf) => shelf.current(uri)),
    complete: (server, completing) => ask(server, (shelf) => shelf.complete(completing)),
  };
}
