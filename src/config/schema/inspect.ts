/**
 * Defines the `inspect` section: who may inspect running conversations, and how much the server sends of them. The only
 * place of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { count, seconds } from './quantities.ts';
import { subjectSchema } from './auth.ts';

export const inspectSection = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Whether the server serves the page /inspect and its live events. A conversation without viewers costs nothing either way.',
      ),
    beyond_loopback: z
      .boolean()
      .default(false)
      .describe('Whether other machines, and clients behind proxies, may inspect too. Only with auth.mode token.'),
    viewers: z
      .array(subjectSchema)
      .default([])
      .meta({ allowed: 'a list of subjects' })
      .describe(
        'With auth.mode token: subjects that may inspect the conversations of all owners. Without auth, every user of this machine may.',
      ),
    include_content: z
      .union([z.boolean(), z.literal('auto')])
      .meta({ allowed: 'true, false or auto' })
      .default('auto')
      .describe(
        'Whether viewers see what people, models and tools wrote, arguments included. Otherwise they see only states, names, times and lengths. `auto`: true while only this machine can reach the server (chat.websocket.host is loopback, allowed_hosts is empty) and auth.mode is none.',
      ),
    max_conversations: count('conversations', 1, 1000)
      .default(16)
      .describe(
        'Most conversations that are inspected at the same time. Each transition costs several times as much while its conversation is inspected.',
      ),
    max_viewers: count('sockets', 1, 1000)
      .default(32)
      .describe('Most sockets of viewers. Further ones are closed with 1013.'),
    max_events: count('events', 10, 10_000)
      .default(500)
      .describe(
        'Newest events of an inspected conversation that are kept for viewers that reconnect. Also the rows of one step of a replay.',
      ),
    max_event_chars: count('characters', 500, 100_000)
      .default(4000)
      .describe('Largest copy of an event, and of a context, that viewers get. The rest is left out.'),
    search_time_ms: count('milliseconds', 1, 5000)
      .default(50)
      .describe(
        'Longest time of one step of a search in titles and texts. It delays other reads of the log. The page requests further steps.',
      ),
    keep_after_last_viewer: seconds()
      .default(30)
      .describe(
        'Time for which events are kept after the last viewer has left, so that a reload of the page misses none.',
      ),
  })
  .prefault({})
  .describe('Inspection: the page /inspect shows the charts of running conversations.');
