/**
 * The log that servers send through the protocol (`notifications/message`), as people are shown it: a line with its
 * level. Deprecated since 2026-07-28 and in use all the same. Pure.
 */
import type { LoggingMessageNotificationParams } from '@modelcontextprotocol/client';
import { isDeeperThan } from '../../json.ts';
import { plainText } from './sanitize-text.ts';

export interface LogEntry {
  level: LoggingMessageNotificationParams['level'];
  text: string;
}

/** Least level that servers are asked for: what is below is for their makers. */
export const LEAST_LEVEL = 'info';

/** A line to show. */
const MAX_CHARS = 1_000;
const MAX_LEVELS = 32;

export function logEntry({ level, logger, data }: LoggingMessageNotificationParams): LogEntry {
  const words =
    typeof data === 'string'
      ? data
      : isDeeperThan(data, MAX_LEVELS)
        ? '[nested too deep]'
        : (JSON.stringify(data) ?? '');
  return { level, text: plainText(logger === undefined ? words : `${logger}: ${words}`, MAX_CHARS) };
}
