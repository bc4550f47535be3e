/** Builds the tools: the MCP servers, and the check of the names that the configuration gives them. */
import { authorizerOptions, configuredNames, clientFeatures, mcpServersLimits, toolPolicy } from '../config/options.ts';
import type { Config } from '../config/schema/schema.ts';
import { loadServers } from '../mcp/config/servers-config.ts';
import { createNameCheck } from '../mcp/configured-names.ts';
import { createMcpServers } from '../mcp/mcp-servers.ts';
import type { StartContext } from './context.ts';
import type { Models } from './models.ts';

/** The MCP servers, and what belongs to them. */
export type Tools = ReturnType<typeof createTools>;

/** Throws AppError `config_invalid` if the list of MCP servers is missing or wrong. */
export function createTools({ settings, version, env, log }: StartContext, { sample }: Pick<Models, 'sample'>) {
  const config = settings.current();
  const read = (from: Config) => loadServers(from.mcp.config_file, env, (server, line) => log.warn({ server }, line));
  const mcpServers = createMcpServers({
    servers: read(config),
    clientVersion: version,
    clientFeatures: settings.follow((now) => clientFeatures(now, sample)),
    log: (server, line, level) => log[level ?? 'debug']({ server }, line),
    limits: settings.follow(mcpServersLimits),
    authorization: authorizerOptions(config),
    policy: settings.follow(toolPolicy),
  });
  const nameCheck = createNameCheck(
    {
      configured: () => configuredNames(settings.current()),
      servers: () => mcpServers.statuses().map(({ name }) => name),
    },
    log,
  );
  return {
    mcpServers,
    nameCheck,
    /** The servers of a new configuration. Throws as `createTools` does. */
    read,
  };
}
