/**
 * Creates the server's log with pino: JSON for machines, pretty on a terminal. Redacts secrets, and content of people and
 * models unless the configuration includes it.
 */
import { pino, type Logger } from 'pino';
import { QUOTE_KEY } from '../errors.ts';

/** The section `logging` of the configuration. */
export interface LogOptions {
  level: string;
  /** `auto`: pretty on a terminal, json elsewhere. */
  format: 'auto' | 'json' | 'pretty';
  /** True lets what people, models and tools wrote into the log. */
  include_content: boolean;
}

/** Fields that hold secrets, at the top level of a line or one level below. */
const SECRETS = ['authorization', 'api_key', 'apiKey', 'token', 'password', 'headers', 'env'];
/** Fields that hold what people, models and providers wrote. */
const TEXTS = ['text', 'content', 'arguments', 'data', QUOTE_KEY];

/** Most buffered characters for a slow reader. Further lines are dropped, so that the reader does not block the server. */
const MAX_WAITING_CHARS = 1024 * 1024;

const nested = (fields: readonly string[]) => fields.flatMap((field) => [field, `*.${field}`]);

/**
 * Writes to standard error, one line per entry. JSON lines are buffered for a slow reader, pretty lines are written at once.
 * Loads pino-pretty for pretty lines only.
 */
export async function createLog({ level, format, include_content }: LogOptions): Promise<Logger> {
  const asPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  const options = {
    level,
    base: null,
    redact: { paths: nested(include_content ? SECRETS : [...SECRETS, ...TEXTS]), censor: '[redacted]' },
  };
  // Standard output is for the first line with the address. Buffered lines are written at exit.
  if (!asPretty) return pino(options, pino.destination({ fd: 2, sync: false, maxLength: MAX_WAITING_CHARS }));
  const { default: pretty } = await import('pino-pretty');
  return pino(options, pretty({ destination: 2, sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' }));
}
