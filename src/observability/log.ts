/**
 * The server's own log: pino, JSON for machines and readable on a terminal. Texts of people and
 * models and anything that looks like a secret are redacted unless the configuration says otherwise.
 */
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { QUOTE_KEY } from '../errors.ts';

export interface LogOptions {
  level: string;
  /** `auto`: pretty on a terminal, json elsewhere. */
  format: 'auto' | 'json' | 'pretty';
  /** True lets what people, models and tools wrote into the log. */
  include_content: boolean;
}

/** Fields that hold secrets, at the top of a line or one object down. */
const SECRETS = ['authorization', 'api_key', 'apiKey', 'token', 'password', 'headers', 'env'];
/** Fields that hold what people, models and providers wrote. */
const TEXTS = ['text', 'content', 'arguments', 'data', QUOTE_KEY];

/** Lines that wait for a slow reader; further ones are dropped. Whoever reads the log must not hold up the server. */
const MAX_WAITING_CHARS = 1024 * 1024;

const nested = (fields: readonly string[]) => fields.flatMap((field) => [field, `*.${field}`]);

/**
 * Writes to standard error, one line an entry. As JSON, lines wait in memory for a slow reader, up to a
 * bound beyond which they are dropped; pretty ones are written at once.
 */
export function createLog({ level, format, include_content }: LogOptions): Logger {
  const asPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  const options = {
    level,
    base: null,
    redact: { paths: nested(include_content ? SECRETS : [...SECRETS, ...TEXTS]), censor: '[redacted]' },
  };
  // Standard output is for the line that says where to go; the log goes to standard error. What waits is written at the exit.
  return asPretty
    ? pino(options, pretty({ destination: 2, sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' }))
    : pino(options, pino.destination({ fd: 2, sync: false, maxLength: MAX_WAITING_CHARS }));
}
