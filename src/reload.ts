/**
 * Reloads the configuration while the server runs: reads every file, checks all of them, and only then applies them.
 * A wrong file changes nothing.
 */
import type { Logger } from 'pino';
import { changesBetween } from './config/changes.ts';
import type { LiveSettings } from './config/live-settings.ts';
import type { Config } from './config/schema/schema.ts';
import { AppError } from './errors.ts';

/** What the last reloads came to. The start counts as the first one. */
export interface ReloadStatus {
  /** False while the last reload of the configuration, or the last one of the list of servers, has failed. */
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
  /** The same for the list of MCP servers alone: the configuration stays. Applies nothing if no server changes. */
  runServers(): Promise<void>;
  status(): ReloadStatus;
}

/** Creates the reload. Requests that come while one runs share the next one. */
export function createReload({ settings, readConfig, prepare, isServing, log }: ReloadOptions): Reload {
  let succeededAtMs = Date.now();
  /** What a reload has refused. A good list of servers does not mend a configuration that was refused. */
  let refused: 'configuration' | 'servers' | null = null;
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
      const mended = isWhole || refused === 'servers' ? null : refused;
      if (!isWhole && changed.length === 0) {
        if (mended !== refused) log.info('the list of MCP servers is valid again, and has not changed');
        refused = mended;
        return;
      }
      // A drain may have begun while the files were read.
      if (!isServing()) return log.warn('reload ignored: server is draining');
      settings.apply(config);
      await apply();
      refused = mended;
      succeededAtMs = Date.now();
      return log.info({ reloaded: [...reloaded, ...changed], needs_restart: needRestart }, 'configuration reloaded');
    } catch (error) {
      refused = isWhole ? 'configuration' : (refused ?? 'servers');
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
  return {
    run: () => run(true),
    runServers: () => run(false),
    status: () => ({ successful: refused === null, succeededAtMs }),
  };
}
