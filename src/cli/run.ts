/**
 * Runs the server as a process: the configuration, the one line that says what to open, and signals. An uncaught error
 * ends the process.
 */
import { takeSecrets } from '../environment-variable.ts';
import { createLiveSettings } from '../config/live-settings.ts';
import { loadConfig, type ConfigSource } from '../config/load.ts';
import { keyVariablesInWords } from '../llm/providers/presets.ts';
import { createLog } from '../observability/log.ts';
import { startServer, type Server } from '../server.ts';
import { watchTerminal } from './terminal.ts';

/** Longest time that children, sockets and the database may take to close beside their own limits; then the process exits. */
const CLOSING_MS = 5_000;

/** How to start the server. */
export interface RunOptions {
  /** Where the configuration is. */
  source: ConfigSource;
  /** The port to listen on instead of the configured one. */
  port: number | undefined;
  version: string;
}

/** Resolves when the server listens, or when a signal stopped its start. Rejects with the reason if it cannot start. */
export async function run({ source, port, version }: RunOptions): Promise<void> {
  // No library and no child finds a secret in the environment from here on.
  const env = takeSecrets(process.env);
  const readConfig = async () => {
    const { config } = await loadConfig({ ...source, env });
    if (port !== undefined) config.chat.websocket.port = port;
    return config;
  };
  const settings = createLiveSettings(await readConfig());
  const terminal = watchTerminal();
  const log = await createLog(settings.current().logging);
  const stopping = new AbortController();
  const starting = startServer({ settings, readConfig, version, env, log, stop: stopping.signal });
  /** The first call drains, or ends the start. A second one, for any reason, exits at once. */
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    const { shutdown, mcp } = settings.current();
    // A child gets its grace three times: after EOF, SIGTERM and SIGKILL.
    const limitMs = (shutdown.drain_timeout + 3 * mcp.connection.close_grace) * 1000 + CLOSING_MS;
    setTimeout(() => {
      log.fatal({ limit_ms: limitMs }, 'closing took too long; exiting');
      process.exit(1);
    }, limitMs);
    const server = await starting.catch(() => null);
    await server?.close();
    process.exit(exitCode);
  };
  const drain = (signal: NodeJS.Signals) => {
    if (!stopping.signal.aborted) log.info({ signal }, 'draining; a second signal exits at once');
    void stop(0);
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
  let reload = async () => log.warn('reload ignored: server is starting');
  process.on('SIGHUP', (signal) => {
    if (!terminal.isGone()) void reload();
    // A closed terminal sends several: one from the shell, one from the kernel.
    else if (!stopping.signal.aborted) drain(signal);
  });
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, 'uncaught error; exiting');
      void stop(1);
    });
  }

  try {
    const { summary, reload: reloadServer } = await starting;
    reload = reloadServer;
    process.stdout.write(announce(summary));
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    process.stderr.write('Parley was stopped before it listened; nothing is left running.\n');
  }
}

/** One line: where to connect, the provider, the database, the tools, and the page to open. */
function announce({ url, inspectUrl, provider, model, demo, database, servers }: Server['summary']): string {
  const tools = servers
    .map(
      ({ name, state, tools: count, error }) => `${name} (${state === 'ready' ? `${count} tools` : (error ?? state)})`,
    )
    .join(', ');
  const answering = demo
    ? `demo model (offline; set ${keyVariablesInWords()} for a real one)`
    : `${provider}, model ${model}`;
  return `Parley listens at ${url} | provider: ${answering} | database: ${database} | MCP: ${tools || 'none'}${inspectUrl === null ? '' : ` | open ${inspectUrl} to watch`}\n`;
}
