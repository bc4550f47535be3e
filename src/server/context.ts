/** Names what every step of the start gets. Types only. */
import type { Logger } from 'pino';
import type { LiveSettings } from '../config/live-settings.ts';

/** The same object for every step. */
export interface StartContext {
  settings: LiveSettings;
  version: string;
  env: NodeJS.ProcessEnv;
  log: Logger;
  /** Logs an error that no caller waits for. */
  onError(error: unknown): void;
}
