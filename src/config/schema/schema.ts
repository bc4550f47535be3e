/**
 * The configuration's shape: its sections, and what has to hold between them. With the other
 * `schema-*.ts` beside it the only home of its keys, defaults, constraints and their reasons:
 * config/config.yaml and docs/configuration.md are written from here, and so is what a wrong
 * file is told. Keys are in the user's spelling.
 */
import { z } from 'zod';
import { isLoopback } from '../../loopback.ts';
import { secondsOrNone } from './quantities.ts';
import { authSection } from './auth.ts';
import { chatSection } from './chat.ts';
import { inspectSection } from './inspect.ts';
import { llmSection } from './llm.ts';
import { mcpSection } from './mcp.ts';
import { repositorySection } from './repository.ts';

const logging = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info')
      .describe('Least severity that is logged.'),
    format: z
      .enum(['auto', 'json', 'pretty'])
      .default('auto')
      .describe('`json` for machines, `pretty` for people; `auto` is pretty on a terminal and json elsewhere.'),
    include_content: z
      .boolean()
      .default(false)
      .describe(
        'Whether the log may hold what people and models wrote; off, because logs travel further than databases.',
      ),
  })
  .prefault({})
  .describe('The log of the server itself.');

const shutdown = z
  .strictObject({
    drain_timeout: secondsOrNone()
      .default(10)
      .describe(
        'Time that running turns get to finish after SIGTERM or SIGINT; those that do not are taken up by the next start.',
      ),
  })
  .prefault({})
  .describe('Stopping.');

/** Parses what a file states into a whole configuration; `{}` is the configuration of a bare machine. */
export const configSchema = z
  .strictObject({
    llm: llmSection,
    chat: chatSection,
    auth: authSection,
    inspect: inspectSection,
    repository: repositorySection,
    mcp: mcpSection,
    logging,
    shutdown,
  })
  .superRefine(({ auth, chat, inspect }, check) => {
    if (inspect.beyond_loopback && auth.mode === 'none') {
      check.addIssue({
        code: 'custom',
        path: ['inspect', 'beyond_loopback'],
        params: { allowed: 'false while nobody is asked for a token; set auth.mode to token and name the viewers' },
      });
    }
    const strangers = inspect.viewers.findIndex((viewer) => !auth.tokens.some(({ subject }) => subject === viewer));
    if (strangers >= 0) {
      check.addIssue({
        code: 'custom',
        path: ['inspect', 'viewers', strangers],
        params: { allowed: 'a subject of auth.tokens' },
      });
    }
    if (auth.mode === 'none' && !auth.allow_anonymous_beyond_loopback && !isLoopback(chat.websocket.host)) {
      check.addIssue({
        code: 'custom',
        path: ['chat', 'websocket', 'host'],
        params: {
          allowed:
            'localhost, 127.0.0.1 or ::1 while nobody is asked for a token; set auth.mode to token, or auth.allow_anonymous_beyond_loopback to true if everybody who reaches the port may chat and call tools',
        },
      });
    }
  });

/** The whole configuration. Durations are seconds unless the key ends in `_ms`; sizes are bytes. */
export type Config = z.output<typeof configSchema>;
