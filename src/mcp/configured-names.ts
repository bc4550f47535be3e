/**
 * Warns of names in the configuration that no MCP server or tool has. A misspelt name under `permission` protects
 * nothing, and nothing else would show it.
 */
import type { Logger } from 'pino';
import type { ActorRefFrom } from 'xstate';
import { serverState, type mcpServerMachine } from '../../machines/mcp-server.ts';
import { closest } from '../config/suggest.ts';

/** What one key of the configuration names: servers, or tools as `server.tool`. */
export interface ConfiguredNames {
  /** The key's path, with dots. */
  key: string;
  names: readonly string[];
}

export interface NameCheck {
  /** Checks the names of a server's tools each time that its list of tools is new. Each is reported once. */
  watch(server: string, actor: Pick<ActorRefFrom<typeof mcpServerMachine>, 'subscribe'>): void;
}

/** Reports at once what names no server. `servers`: those that are enabled. */
export function createNameCheck(configured: readonly ConfiguredNames[], servers: readonly string[], log: Pick<Logger, 'warn'>): NameCheck {
  const ofServer = (name: string, server: string) => name === server || name.startsWith(`${server}.`);
  const all = configured.flatMap(({ key, names }) => names.map((name) => ({ key, name })));

  for (const { key, name } of all) {
    if (servers.some((server) => ofServer(name, server))) continue;
    const [first = ''] = name.split('.', 1);
    log.warn({ key, name, ...hint(closest(first, servers)) }, 'the configuration names an MCP server that is not enabled');
  }

  return {
    watch(server, actor) {
      const wanted = new Map(all.filter(({ name }) => name !== server && ofServer(name, server)).map((each) => [`${each.key} ${each.name}`, each]));
      let checked: unknown = null;
      if (wanted.size === 0) return;
      actor.subscribe(({ value, context: { catalogue } }) => {
        if (serverState(value) !== 'ready' || catalogue === checked) return;
        checked = catalogue;
        const tools = catalogue.map(({ name }) => `${server}.${name}`);
        for (const [id, { key, name }] of wanted) {
          if (tools.includes(name)) continue;
          wanted.delete(id);
          log.warn({ key, name, ...hint(closest(name, tools)) }, 'the configuration names a tool that its MCP server does not offer');
        }
      });
    },
  };
}

function hint(meant: string | null): { did_you_mean?: string } {
  return meant === null ? {} : { did_you_mean: meant };
}
