/**
 * Defines the `quota` section: what one subject may have and use. The only place of these keys' defaults and
 * constraints.
 */
import { z } from 'zod';
import { bytes, count } from './quantities.ts';

export const quotaSection = z
  .strictObject({
    turns_per_minute: count('turns a minute', 0)
      .default(0)
      .describe(
        'Messages that begin a turn, in one UTC minute. A chat that is sent again does not count. 0: no limit.',
      ),
    tokens_per_day: count('tokens a day', 0)
      .default(0)
      .describe('Tokens that all turns of a UTC day may use, as budgets count them. 0: no limit.'),
    cost_per_day: z
      .number()
      .nonnegative()
      .default(0)
      .describe('What all turns of a UTC day may cost, by the prices of their providers. 0: no limit.'),
    forks_per_day: count('forks a day', 0).default(0).describe('Forks in one UTC day. 0: no limit.'),
    conversations: count('conversations', 0)
      .default(1_000_000)
      .describe('Conversations in the event log, forks included. Deleted ones do not count. 0: no limit.'),
    stored_bytes: bytes(0)
      .default(53_687_091_200)
      .describe(
        'Size of the rows of all conversations: texts, tool results, `metadata`, and 256 bytes a row. What retention has deleted does not count. 0: no limit.',
      ),
    live_conversations: count('conversations', 0)
      .default(50_000)
      .describe(
        'Conversations in memory, a part of chat.service.max_live_conversations. They leave it after idle_timeout. 0: no limit.',
      ),
  })
  .prefault({})
  .describe(
    'What one subject may have and use. Without auth all clients are one subject. Checked before a turn or a fork begins, so turns that run may exceed it. A further chat or fork is `quota_exceeded`. Counts survive a restart, except that of conversations in memory.',
  );
