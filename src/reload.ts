/**
 * Reloads the configuration while the server runs: reads every file, checks all of them, and only then applies them.
 * A wrong file changes nothing.
 */
import type { Logger } from 'pino';
import { changesBetween } from './config/changes.ts';
import type { LiveSettings } from './config/live-settings.ts';
import type { Config } from './config/schema/schema.ts';
import { AppError } from './errors.ts';

/** The result of the last reload. The start counts as the first one. */
export interface ReloadStatus {
  successful: boolean;
  /** Of the last one that was successful, in ms since 1970. */
  succeededAtMs: number;
}

/** The checked content of the other files and of the environment. */
export interface PreparedReload {
  /** Names, such as `mcpServers.files`, of what changes in these files. */
  changed: readonly string[];
  /** Applies it, after the settings. Resolves when the sockets that lost access are closed. Never rejects. */
  apply(): Promise<void>;
}

/** What a reload reads and changes. */
export interface ReloadOptions {
  settings: LiveSettings;
  /** Rejects with an AppError for a file that is missing or wrong. */
  readConfig(): Promise<Config>;
  /** Changes nothing. Throws an AppError if the configuration cannot be applied. */
  prepare(config: Config): PreparedReload;
  /** False while the server starts or drains: then reloads are ignored. */
  isServing(): boolean;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** The reloads of one server. One runs at a time. */
export interface Reload {
  /** Reloads once. A call during a reload runs one more afterwards; further calls share that one. Never rejects. */
  run(): Promise<void>;
  /** The same for the list of MCP servers alone: the configuration stays. Does and logs nothing if no server changes. */
  runServers(): Promise<void>;
  status(): ReloadStatus;
}

/** Creates the reload. Requests that come while one runs share the next one. */
export function createReload({ settings, readConfig, prepare, isServing, log }: ReloadOptions): Reload {
  let status: ReloadStatus = { successful: true, succeededAtMs: Date.now() };
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  /** Of the next one. */
  let nextIsWhole = false;

  const reload = async (isWhole: boolean) => {
    if (!isServing()) return log.warn('reload ignored: server is starting or draining');
    try {
      const read = isWhole ? await readConfig() : settings.current();
      const { config, reloaded, needRestart } = changesBetween(settings.current(), read);
      const { changed, apply } = prepare(config);
      if (!isWhole && changed.length === 0) return;
      // A drain may have begun while the files were read.
      if (!isServing()) return log.warn('reload ignored: server is draining');
      settings.apply(config);
      await apply();
      status = { successful: true, succeededAtMs: Date.now() };
      return log.info({ reloaded: [...reloaded, ...changed], needs_restart: needRestart }, 'configuration reloaded');
    } catch (error) {
      status = { ...status, successful: false };
      if (!(error instanceof AppError)) return log.error({ err: error }, 'reload failed');
      return log.error(
        { problems: error.message.split('\n') },
        'reload failed: invalid configuration; the current one stays',
      );
    }
  };

  const run = (isWhole: boolean): Promise<void> => {
    if (running !== null) {
      nextIsWhole ||= isWhole;
      return (next ??= running.then(() => {
        const whole = nextIsWhole;
        next = null;
        nextIsWhole = false;
        return run(whole);
      }));
    }
    running = reload(isWhole).finally(() => {
      running = null;
    });
    return running;
  };
  return { run: () => run(true), runServers: () => run(false), status: () => status };
}
