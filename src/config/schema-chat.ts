/**
 * The `chat` section: how conversations behave (`service`) and what sockets may do (`websocket`).
 * The only home of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { bytes, count, milliseconds, seconds, text } from './quantities.ts';

const context = z
  .strictObject({
    max_tokens: count('tokens', 64)
      .default(4000)
      .describe("Size of the model's context as far as Parley fills it; more remembers more and costs more a turn."),
    reserve_tokens: count('tokens', 0)
      .default(500)
      .describe('Part of max_tokens that is left free for the answer.'),
    preserve_recent: count('messages', 0, 1000)
      .default(4)
      .describe('Newest messages that are always sent; one too large for that is cut in its middle, with a notice.'),
  })
  .superRefine((window, check) => {
    if (window.reserve_tokens >= window.max_tokens) {
      check.addIssue({
        code: 'custom',
        path: ['reserve_tokens'],
        params: { allowed: `less than context.max_tokens (${window.max_tokens}), or nothing fits` },
      });
    }
  })
  .prefault({})
  .describe('What of a conversation the model is shown.');

const service = z
  .strictObject({
    system_prompt: z
      .string()
      .default('You are a helpful assistant. Use the tools you are offered where they help.')
      .describe('First message of every context; empty text for none.'),
    streaming: z
      .strictObject({
        enabled: z
          .boolean()
          .default(true)
          .describe('Whether answers are sent as they are written; a chat can ask otherwise with `streaming`.'),
        flush_ms: milliseconds()
          .default(0)
          .describe('Least time between two chunks of an answer; 0 sends what came in one turn of the event loop, with no delay.'),
      })
      .prefault({})
      .describe('How answers are sent.'),
    context,
    max_tool_hops: count('hops', 0, 100)
      .default(8)
      .describe('Rounds of tool calls in one turn: the brake on a model that calls tools in circles.'),
    tools: z
      .strictObject({
        timeout: seconds()
          .default(60)
          .describe('Longest run of one tool call; after it the call ends as `timed_out` and the turn goes on.'),
        concurrency: count('calls', 1, 1000)
          .default(8)
          .describe('Tool calls of one answer that run at the same time.'),
        repeat: z
          .record(z.string(), z.enum(['never', 'always']))
          .default({})
          .meta({ allowed: 'names of servers, or server.tool, each with never or always' })
          .describe('Whether a call that was lost on its way may be made once more, by server or server.tool; beats what the server says of its tools.'),
        max_result_tokens: count('tokens', 16)
          .default(2000)
          .describe('Part of a result that the model is shown, head and tail; the log keeps the whole.'),
      })
      .prefault({})
      .describe('Tool calls.'),
    queue_length: count('messages', 0, 10_000)
      .default(32)
      .describe('Messages that may wait behind the running turn of a conversation; further ones are `overloaded`.'),
    max_text_length: count('characters', 1)
      .default(100_000)
      .describe('Longest text of one message: counting its tokens takes time, and the context keeps it in memory.'),
    idle_timeout: seconds()
      .default(300)
      .describe('Quiet time after which a conversation leaves memory; its log stays and the next message reopens it.'),
    warm_bytes: bytes(0)
      .default(67_108_864)
      .describe('Memory for the contexts of all conversations; one that was pushed out is read from the log again.'),
    max_live_conversations: count('conversations', 1)
      .default(100_000)
      .describe('Conversations in memory at once, a few KB each; further ones are `overloaded`.'),
    recovery: z
      .strictObject({
        mode: z
          .enum(['resume', 'interrupt'])
          .default('resume')
          .describe('What becomes of a turn that a restart cut off: `resume` goes on with it, `interrupt` ends it as failed.'),
        attempts: count('restarts', 0, 100)
          .default(3)
          .describe('Restarts after which a turn is still taken up again; beyond, the restarts may be its own doing.'),
        max_age: seconds()
          .default(3600)
          .describe('Age of a message up to which its turn is taken up again; nobody waits for an older one.'),
        concurrency: count('conversations', 1, 1000)
          .default(4)
          .describe('Conversations that are taken up at the same time after a start, so that the start does not storm the provider.'),
      })
      .prefault({})
      .describe('Turns that were running when the server ended.'),
    crash_budget: z
      .strictObject({
        crashes: count('crashes', 1, 1000)
          .default(5)
          .describe('Crashes of one conversation within the window before it is closed until it has cooled down.'),
        window: seconds().default(60).describe('Time over which the crashes are counted.'),
      })
      .prefault({})
      .describe('When a conversation that keeps crashing is left alone.'),
  })
  .prefault({})
  .describe('Conversations and their turns.');

const websocket = z
  .strictObject({
    host: text()
      .default('localhost')
      .describe('Address to listen on: localhost is 127.0.0.1 and, where there is one, ::1; 0.0.0.0 is every network.'),
    port: z.int().min(0).max(65_535).default(8000).describe('Port to listen on; 0 takes any free one.'),
    endpoint: z
      .string()
      .regex(/^\/[^\s?#]*$/)
      .meta({ allowed: 'a path that begins with /' })
      .default('/ws/chat')
      .describe('Path of the WebSocket.'),
    max_message_size: bytes(1024)
      .default(1_048_576)
      .describe('Largest frame from a client; a larger one closes the socket with 1009.'),
    ping_interval: seconds()
      .default(30)
      .describe('Time between pings: keeps proxies from closing quiet sockets, and finds dead ones.'),
    ping_timeout: seconds()
      .default(10)
      .describe('Longest wait for the pong before the socket counts as dead.'),
    allow_origins: z
      .array(
        z
          .string()
          .regex(/^(\*|[a-z][a-z0-9+.-]*:\/\/[^/\s]+)$/i)
          .meta({ allowed: 'an origin such as https://chat.example.com, without a path, or "*" for all' }),
      )
      .default([])
      .describe('Web pages that may connect, beside those of this machine, and of the same host where not only this machine is served.'),
    max_connections: count('sockets', 1)
      .default(10_000)
      .describe('Sockets at once, about 20 KB each; further ones are closed with 1013.'),
    max_buffered_bytes: bytes(65_536)
      .default(1_048_576)
      .describe('Unsent data of one socket before its reader counts as slow and is brought up to date later.'),
    max_bad_frames: count('frames', 0)
      .default(20)
      .describe('Unreadable frames that one socket may send before it is closed with 1008.'),
    frames_per_second: count('frames a second', 1)
      .default(200)
      .describe('Frames that one socket may send, on average; a flood is closed with 1008.'),
    frame_burst: count('frames', 1)
      .default(1000)
      .describe('Frames that one socket may send at once before the average counts.'),
  })
  .superRefine((socket, check) => {
    if (socket.ping_timeout > socket.ping_interval) {
      check.addIssue({
        code: 'custom',
        path: ['ping_timeout'],
        params: { allowed: `at most websocket.ping_interval (${socket.ping_interval}), or the next ping comes before the answer to the last` },
      });
    }
  })
  .prefault({})
  .describe('The WebSocket server.');

export const chatSection = z.strictObject({ service, websocket }).prefault({}).describe('Conversations and sockets.');
