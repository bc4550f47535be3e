/**
 * The `inspect` section: who may look into running conversations, and how much of them is told. The only
 * home of these keys' defaults and constraints.
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
        'Whether the page /inspect and the live events behind it are served; a conversation that nobody looks at costs nothing either way.',
      ),
    beyond_loopback: z
      .boolean()
      .default(false)
      .describe('Whether they are served to other machines, and through proxies, as well; only with auth.mode token.'),
    viewers: z
      .array(subjectSchema)
      .default([])
      .meta({ allowed: 'a list of subjects' })
      .describe(
        'With auth.mode token: subjects that may look into the conversations of all. Without auth everybody on this machine may.',
      ),
    include_content: z
      .union([z.boolean(), z.literal('auto')])
      .meta({ allowed: 'true, false or auto' })
      .default('auto')
      .describe(
        'Whether viewers see what people, models and tools wrote, arguments included; otherwise states, names, times and lengths alone. `auto`: true while only this machine can reach the server (chat.websocket.host is loopback, allowed_hosts is empty) and no token is asked for.',
      ),
    max_conversations: count('conversations', 1, 1000)
      .default(16)
      .describe(
        'Conversations that are told of at the same time; each transition of one costs the server as much as several of others.',
      ),
    max_viewers: count('sockets', 1, 1000)
      .default(32)
      .describe('Sockets that watch at the same time; further ones are closed with 1013.'),
    max_events: count('events', 10, 10_000)
      .default(500)
      .describe(
        'Newest events of a watched conversation that are kept for whoever comes back; also the rows of one step of a replay.',
      ),
    max_event_chars: count('characters', 500, 100_000)
      .default(4000)
      .describe('Largest copy of an event, and of a context, that is told; what is beyond is left out.'),
    search_time_ms: count('milliseconds', 1, 5000)
      .default(50)
      .describe(
        'Longest time of one step of a search in titles and texts; no other read of the log happens meanwhile, and the page asks for further steps.',
      ),
    keep_after_last_viewer: seconds()
      .default(30)
      .describe(
        'Time for which a conversation is still told of when its last viewer has gone: a reload misses nothing.',
      ),
  })
  .prefault({})
  .describe('Looking inside: the page /inspect, which shows the charts of running conversations.');
