/**
 * Formats log messages that servers send through the protocol (`notifications/message`): a level and a line of text.
 * Deprecated since 2026-07-28, and still in use. Pure.
 */
import type { LoggingMessageNotificationParams } from '@modelcontextprotocol/client';
import { isDeeperThan } from '../../json.ts';
import { sanitizeToLength } from './sanitize-text.ts';

/** One message of a server's log. */
export interface LogEntry {
  level: LoggingMessageNotificationParams['level'];
  text: string;
}

/** The minimum level that Parley requests. Lower levels are for the server's developers. */
export const MIN_LEVEL = 'info';

/** For one line. */
const MAX_CHARS = 1_000;
const MAX_LEVELS = 32;

/** The text is sanitized, and cut at `MAX_CHARS` UTF-16 units. */
export function logEntry({ level, logger, data }: LoggingMessageNotificationParams): LogEntry {
  const words =
    typeof data === 'string'
      ? data
      : isDeeperThan(data, MAX_LEVELS)
        ? '[nested too deep]'
        : (JSON.stringify(data) ?? '');
  return { level, text: sanitizeToLength(logger === undefined ? words : `${logger}: ${words}`, MAX_CHARS) };
}
