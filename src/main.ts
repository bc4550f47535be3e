/**
 * The process: command line, configuration, the one line that says what to open, and signals.
 * Every fault of start-up ends here as a message for people; every fault nobody caught ends the process.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseCli } from './cli/parse-args.ts';
import { backup } from './cli/backup.ts';
import { check } from './cli/check.ts';
import { inspect } from './cli/inspect.ts';
import { endUnread, onOutputError, printLines } from './cli/output.ts';
import { replay } from './cli/replay.ts';
import type { CommandResult } from './cli/output.ts';
import { say } from './cli/say.ts';
import { token } from './cli/token.ts';
import { createLiveSettings } from './config/live-settings.ts';
import { loadConfig } from './config/load.ts';
import type { Config } from './config/schema/schema.ts';
import { AppError } from './errors.ts';
import { createLog } from './observability/log.ts';
import { startServer, type Server } from './server.ts';
import { watchTerminal } from './terminal.ts';

/** What children, sockets and the database may take to close, beside their own limits, before the process ends without them. */
const CLOSING_MS = 5_000;

const projectDirectory = join(import.meta.dirname, '..');

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

/** One line: where to connect, who answers, where it is kept, which tools there are, what to open. */
function announce({ url, inspectUrl, provider, model, demo, database, servers }: Server['summary']): string {
  const tools = servers
    .map(
      ({ name, state, tools: count, error }) => `${name} (${state === 'ready' ? `${count} tools` : (error ?? state)})`,
    )
    .join(', ');
  const who = demo
    ? 'demo model (offline; set OPENAI_API_KEY, GROQ_API_KEY, OPENROUTER_API_KEY or ANTHROPIC_API_KEY for a real one)'
    : `${provider}, model ${model}`;
  return `Parley listens at ${url} | provider: ${who} | database: ${database} | MCP: ${tools || 'none'}${inspectUrl === null ? '' : ` | open ${inspectUrl} to watch`}\n`;
}

async function run(file: string | undefined, port: number | undefined): Promise<void> {
  const source = { file, env: process.env, cwd: process.cwd(), projectDirectory };
  const readConfig = async () => {
    const { config } = await loadConfig(source);
    if (port !== undefined) config.chat.websocket.port = port;
    return config;
  };
  const settings = createLiveSettings(await readConfig());
  const terminal = watchTerminal();
  const log = createLog(settings.current().logging);
  const stopping = new AbortController();
  const starting = startServer({
    settings,
    readConfig,
    version: version(),
    env: process.env,
    log,
    stop: stopping.signal,
  });
  /** The first call drains, or ends the start; a second one, whatever its reason, ends the process at once. */
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    const { shutdown, mcp } = settings.current();
    // EOF, SIGTERM and SIGKILL each get a child its grace.
    const limitMs = (shutdown.drain_timeout + 3 * mcp.connection.close_grace) * 1000 + CLOSING_MS;
    setTimeout(() => {
      log.fatal({ limit_ms: limitMs }, 'closing took too long; the server ends without it');
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
  let reload = async () => log.warn('reload ignored: the server is starting');
  process.on('SIGHUP', (signal) => {
    if (!terminal.isGone()) void reload();
    // A closed terminal sends several: its shell one, the kernel another.
    else if (!stopping.signal.aborted) drain(signal);
  });
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      log.fatal({ err: error }, 'a fault nobody caught; the server ends');
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

/** A command that works on the database or the server which the configuration names. */
function runConfigured(
  file: string | undefined,
  work: (config: Config) => CommandResult | Promise<CommandResult>,
): Promise<void> {
  return runCommand(async () =>
    work((await loadConfig({ file, env: process.env, cwd: process.cwd(), projectDirectory })).config),
  );
}

/** Does its work, prints what came of it, and ends. */
async function runCommand(work: () => CommandResult | Promise<CommandResult>): Promise<void> {
  try {
    const { lines, exitCode } = await work();
    process.exitCode = exitCode;
    await printLines(lines);
  } catch (error) {
    process.stderr.write(`${messageFor(error)}\n`);
    process.exitCode = 1;
  }
}

/** An AppError's own words are for people; of anything else the stack tells more. */
function messageFor(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const command = parseCli(process.argv.slice(2));
// A server serves on without a reader of its first line. A command has nothing left to do.
onOutputError(command.kind === 'run' ? () => {} : endUnread);
switch (command.kind) {
  case 'help':
    process.stdout.write(command.text);
    break;
  case 'version':
    process.stdout.write(`${version()}\n`);
    break;
  case 'invalid':
    process.stderr.write(command.text);
    process.exitCode = 2;
    break;
  case 'run':
    try {
      await run(command.file, command.port);
    } catch (error) {
      process.stderr.write(`Parley cannot start.\n${messageFor(error)}\n`);
      process.exit(1);
    }
    break;
  case 'say':
    await runConfigured(command.file, async ({ chat: { websocket } }) => {
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      await say({
        text: command.text,
        host: websocket.host,
        port: command.port ?? websocket.port,
        endpoint: websocket.endpoint,
        token: process.env['PARLEY_TOKEN'] ?? null,
        signal: stop.signal,
      });
      return { lines: [], exitCode: 0 };
    });
    break;
  case 'backup':
    await runConfigured(command.file, ({ repository }) => backup(repository.path, resolve(command.to)));
    break;
  case 'check':
    await runConfigured(command.file, ({ repository }) =>
      check(command.database === undefined ? repository.path : resolve(command.database)),
    );
    break;
  case 'replay':
    await runConfigured(command.file, ({ repository, chat }) =>
      replay({
        conversationId: command.conversationId,
        database: repository.path,
        exported: command.exported === undefined ? null : resolve(command.exported),
        recovery: {
          mode: chat.service.recovery.mode,
          attempts: chat.service.recovery.attempts,
          maxAgeMs: chat.service.recovery.max_age * 1000,
        },
      }),
    );
    break;
  case 'token':
    await runCommand(() => token(command.subject));
    break;
  case 'inspect':
    await runConfigured(command.file, ({ chat: { websocket } }) =>
      inspect({
        conversationId: command.conversationId,
        host: websocket.host,
        port: command.port ?? websocket.port,
        token: process.env['PARLEY_TOKEN'] ?? null,
      }),
    );
}
