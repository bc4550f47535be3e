/**
 * Warns about names in the configuration that match no MCP server or tool. A misspelt name under `permission` protects
 * nothing and causes no other error.
 */
import type { Logger } from 'pino';
import type { ActorRefFrom } from 'xstate';
import { serverState, type mcpServerMachine } from '../../machines/mcp-server.ts';
import { closest } from '../config/suggest.ts';

/** The names under one key of the configuration: servers, or tools as `server.tool`. */
export interface ConfiguredNames {
  /** The dotted path of the key. */
  key: string;
  names: readonly string[];
}

/** Both are called at each check, because a reload changes them. */
export interface NameSource {
  configured(): readonly ConfiguredNames[];
  /** Names of the servers that are enabled. */
  servers(): readonly string[];
}

/** The check of all names. */
export interface NameCheck {
  /** Checks all names that can be checked now. Call it at the start and after a reload. Reports each name once. */
  check(): void;
  /** Checks the names of a server's tools each time that its list changes. */
  watch(server: string, actor: Pick<ActorRefFrom<typeof mcpServerMachine>, 'subscribe'>): void;
}

/** Creates the check. It warns once for each name and never fails. */
export function createNameCheck({ configured, servers }: NameSource, log: Pick<Logger, 'warn'>): NameCheck {
  /** Full tool names of each server's latest list. */
  const offered = new Map<string, readonly string[]>();
  const reported = new Set<string>();

  const all = () => configured().flatMap(({ key, names }) => names.map((name) => ({ key, name })));
  const report = (key: string, name: string, known: readonly string[], asked: string, message: string) => {
    const id = `${key} ${name}`;
    if (reported.has(id)) return;
    reported.add(id);
    log.warn({ key, name, ...hint(closest(asked, known)) }, message);
  };

  const checkTools = (server: string) => {
    const tools = offered.get(server);
    if (!tools) return;
    for (const { key, name } of all()) {
      if (name === server || !isOfServer(name, server) || tools.includes(name)) continue;
      report(key, name, tools, name, 'the configuration names a tool that its MCP server does not offer');
    }
  };

  return {
    check() {
      const known = servers();
      for (const { key, name } of all()) {
        if (known.some((server) => isOfServer(name, server))) continue;
        const [first = ''] = name.split('.', 1);
        report(key, name, known, first, 'the configuration names an MCP server that is not enabled');
      }
      for (const server of offered.keys()) if (known.includes(server)) checkTools(server);
    },
    watch(server, actor) {
      let checked: unknown = null;
      actor.subscribe(({ value, context: { catalogue } }) => {
        if (serverState(value) !== 'ready' || catalogue === checked) return;
        checked = catalogue;
        offered.set(
          server,
          catalogue.map(({ name }) => `${server}.${name}`),
        );
        checkTools(server);
      });
    },
  };
}

function isOfServer(name: string, server: string): boolean {
  return name === server || name.startsWith(`${server}.`);
}

function hint(meant: string | null): { did_you_mean?: string } {
  return meant === null ? {} : { did_you_mean: meant };
}
