/** Builds the tools: the MCP servers, and the check of the names that the configuration gives them. */
import { authorizerOptions, configuredNames, hostAnswers, toolboxLimits } from '../config/options.ts';
import type { Config } from '../config/schema/schema.ts';
import { loadServers } from '../mcp/config/servers-config.ts';
import { createNameCheck } from '../mcp/configured-names.ts';
import { createToolbox } from '../mcp/toolbox.ts';
import type { StartContext } from './context.ts';
import type { Models } from './models.ts';

export type Tools = ReturnType<typeof createTools>;

/** Throws AppError `config_invalid` if the list of MCP servers is missing or wrong. */
export function createTools({ settings, version, env, log }: StartContext, { sample }: Pick<Models, 'sample'>) {
  const config = settings.current();
  const toolbox = createToolbox({
    servers: loadServers(config.mcp.config_file, env),
    clientVersion: version,
    answers: settings.follow((now) => hostAnswers(now, sample)),
    log: (server, line, level) => log[level ?? 'debug']({ server }, line),
    limits: settings.follow(toolboxLimits),
    authorization: authorizerOptions(config),
  });
  const nameCheck = createNameCheck(
    { configured: () => configuredNames(settings.current()), servers: () => toolbox.servers().map(({ name }) => name) },
    log,
  );
  return {
    toolbox,
    nameCheck,
    /** The servers of a new configuration. Throws as `createTools` does. */
    read: (next: Config) => loadServers(next.mcp.config_file, env),
  };
}
