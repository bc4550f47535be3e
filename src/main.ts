/**
 * Entry point: reads the command line and runs the command. Loads the code of a command only when that command runs, so
 * `--help` and `--version` answer at once. Prints errors as messages for people.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exitOnOutputError, onOutputError, printLines, type CommandResult } from './cli/output.ts';
import { parseCli } from './cli/parse-args.ts';
import type { Config } from './config/schema/schema.ts';
import { readVariable } from './environment-variable.ts';
import { AppError } from './errors.ts';

const projectDirectory = join(import.meta.dirname, '..');

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

function configSource(file: string | undefined) {
  return { file, env: process.env, cwd: process.cwd(), projectDirectory };
}

/** Runs a command that works on the database or the server of the configuration. */
function runConfigured(
  file: string | undefined,
  work: (config: Config) => CommandResult | Promise<CommandResult>,
): Promise<void> {
  return runCommand(async () => {
    const { loadConfig } = await import('./config/load.ts');
    return work((await loadConfig(configSource(file))).config);
  });
}

/** Runs a command and prints its result. A rejection sets exit code 1. */
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

/** The message of an AppError is fit for people. Any other error shows its stack. */
function messageFor(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const command = parseCli(process.argv.slice(2));
// The server keeps running if the reader of its first line is gone. A command ends.
onOutputError(command.kind === 'run' ? () => {} : exitOnOutputError);
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
      const { run } = await import('./cli/run.ts');
      await run({ source: configSource(command.file), port: command.port, version: version() });
    } catch (error) {
      process.stderr.write(`Parley cannot start.\n${messageFor(error)}\n`);
      process.exit(1);
    }
    break;
  case 'say':
    await runConfigured(command.file, async ({ chat: { websocket } }) => {
      const { say } = await import('./cli/say.ts');
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      await say({
        text: command.text,
        host: websocket.host,
        port: command.port ?? websocket.port,
        endpoint: websocket.endpoint,
        token: readVariable(process.env, 'PARLEY_TOKEN') ?? null,
        signal: stop.signal,
      });
      return { lines: [], exitCode: 0 };
    });
    break;
  case 'backup':
    await runConfigured(command.file, async ({ repository }) => {
      const { backup } = await import('./cli/backup.ts');
      return backup(repository.path, resolve(command.to));
    });
    break;
  case 'check':
    await runConfigured(command.file, async ({ repository }) => {
      const { check } = await import('./cli/check.ts');
      return check(command.database === undefined ? repository.path : resolve(command.database));
    });
    break;
  case 'replay':
    await runConfigured(command.file, async ({ repository, chat }) => {
      const { replay } = await import('./cli/replay.ts');
      return replay({
        conversationId: command.conversationId,
        database: repository.path,
        exported: command.exported === undefined ? null : resolve(command.exported),
        recovery: {
          mode: chat.service.recovery.mode,
          attempts: chat.service.recovery.attempts,
          maxAgeMs: chat.service.recovery.max_age * 1000,
        },
      });
    });
    break;
  case 'token':
    await runCommand(async () => {
      const { token } = await import('./cli/token.ts');
      return token(command.subject);
    });
    break;
  case 'models':
    await runConfigured(command.file, async (config) => {
      const { models } = await import('./cli/models.ts');
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      return models({
        config,
        env: process.env,
        provider: command.provider ?? null,
        model: command.model ?? null,
        isTrial: command.isTrial,
        signal: stop.signal,
      });
    });
    break;
  case 'inspect':
    await runConfigured(command.file, async ({ chat: { websocket } }) => {
      const { inspect } = await import('./cli/inspect.ts');
      return inspect({
        conversationId: command.conversationId,
        host: websocket.host,
        port: command.port ?? websocket.port,
        token: readVariable(process.env, 'PARLEY_TOKEN') ?? null,
      });
    });
}
