/**
 * Defines the configuration: its sections, and the rules between them. With the other files of this folder the only place
 * of its keys, defaults and constraints. config/config.yaml, docs/reference/configuration.md and the messages about a wrong file
 * are generated from it. Keys are in the user's spelling.
 */
import { z } from 'zod';
import { isLoopback } from '../../loopback.ts';
import { secondsOrNone } from './quantities.ts';
import { authSection } from './auth.ts';
import { chatSection } from './chat.ts';
import { inspectSection } from './inspect.ts';
import { llmSection } from './llm.ts';
import { mcpSection } from './mcp.ts';
import { quotaSection } from './quota.ts';
import { repositorySection } from './repository.ts';

const logging = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info')
      .describe('Lowest severity that is logged.'),
    format: z
      .enum(['auto', 'json', 'pretty'])
      .default('auto')
      .describe('`json` for machines, `pretty` for people. `auto`: pretty on a terminal, json elsewhere.'),
    include_content: z
      .boolean()
      .default(false)
      .describe(
        'Whether the log may hold what people and models wrote. Off by default, because logs are copied to more places than databases.',
      ),
  })
  .prefault({})
  .describe('The log of the server itself.');

const shutdown = z
  .strictObject({
    drain_timeout: secondsOrNone()
      .default(10)
      .describe('Time that running turns get to finish after SIGTERM or SIGINT. The next start resumes the others.'),
  })
  .prefault({})
  .describe('The stop of the server.');

/** Parses the values of a file into a whole configuration. `{}` gives all defaults. */
export const configSchema = z
  .strictObject({
    llm: llmSection,
    chat: chatSection,
    auth: authSection,
    quota: quotaSection,
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
        params: { allowed: 'false while auth.mode is none; set auth.mode to token and name the viewers' },
      });
    }
    const unknown = inspect.viewers.findIndex((viewer) => !auth.tokens.some(({ subject }) => subject === viewer));
    if (unknown >= 0) {
      check.addIssue({
        code: 'custom',
        path: ['inspect', 'viewers', unknown],
        params: { allowed: 'a subject of auth.tokens' },
      });
    }
    if (auth.mode === 'none' && !auth.allow_anonymous_beyond_loopback && !isLoopback(chat.websocket.host)) {
      check.addIssue({
        code: 'custom',
        path: ['chat', 'websocket', 'host'],
        params: {
          allowed:
            'localhost, 127.0.0.1 or ::1 while auth.mode is none; set auth.mode to token, or auth.allow_anonymous_beyond_loopback to true if every client that reaches the port may chat and call tools',
        },
      });
    }
  });

/** The whole configuration. Durations are seconds unless the key ends in `_ms`; sizes are bytes. */
export type Config = z.output<typeof configSchema>;
