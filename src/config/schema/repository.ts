/**
 * Defines the `repository` section: where the event log is, what a commit survives, and what retention keeps. The only
 * place of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { count, text } from './quantities.ts';

const persistence = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Whether conversations survive the server. false keeps them in memory only and does not touch the file.',
      ),
    retention_policy: z
      .enum(['token_limit', 'message_count', 'time_based', 'unlimited'])
      .default('unlimited')
      .describe(
        'What is kept of each conversation: everything (`unlimited`), its newest tokens, its newest messages, or its last days. Every policy except `unlimited` deletes rows.',
      ),
    max_tokens_per_conversation: count('tokens', 1).default(8000).describe('What `token_limit` keeps.'),
    max_messages_per_conversation: count('messages', 1).default(100).describe('What `message_count` keeps.'),
    retention_days: z
      .number()
      .positive()
      .max(36_500)
      .meta({ unit: 'days' })
      .default(30)
      .describe('What `time_based` keeps.'),
    clear_on_startup: z.boolean().default(false).describe('Whether every start empties the database. Only for trials.'),
  })
  .prefault({})
  .describe('What is kept, and for how long.');

export const repositorySection = z
  .strictObject({
    type: z.enum(['sql']).default('sql').describe('Kind of store: SQLite.'),
    path: text().default('events.db').describe('Database file. Created if it does not exist.'),
    synchronous: z
      .enum(['full', 'normal'])
      .default('full')
      .describe('What a commit survives: `full` a power cut, `normal` (faster) only a crash of the server.'),
    max_queued_writes: count('writes', 1)
      .default(10_000)
      .describe(
        'Most writes that are queued for the disk. Further ones are rejected, so that a stuck disk cannot fill memory.',
      ),
    persistence,
  })
  .prefault({})
  .describe('The event log.');
