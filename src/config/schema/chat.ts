/**
 * The `chat` section: how conversations behave (`service`), beside what sockets may do (`websocket`).
 * The only home of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { bytes, count, milliseconds, seconds, secondsOrNone } from './quantities.ts';
import { websocket } from './websocket.ts';

const context = z
  .strictObject({
    max_tokens: count('tokens', 64)
      .default(32_000)
      .describe(
        'Context window: the most tokens that one request to the model takes, its answer included. A larger window remembers more and costs more a turn.',
      ),
    reserve_tokens: count('tokens', 0).default(4000).describe('Part of max_tokens that is left free for the answer.'),
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

/** Whether a tool is called. */
const permission = z.enum(['always', 'ask', 'never']);

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
          .describe(
            'Least time between two chunks of an answer; 0 sends what came in one turn of the event loop, with no delay.',
          ),
        draft_interval: secondsOrNone()
          .default(1)
          .describe(
            'Time between two saves of an answer that is being written, which is what a crash can take of it; 0 saves none before it is whole.',
          ),
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
          .describe(
            'Longest run of one tool call that tells of no progress; after it the call ends as `timed_out` and the turn goes on.',
          ),
        max_timeout: seconds()
          .default(600)
          .describe(
            'Longest run of one tool call that keeps telling of progress or asking people; the time that they take is not counted.',
          ),
        max_concurrent: count('calls', 1, 1000)
          .default(8)
          .describe('Tool calls of one answer that run at the same time.'),
        repeat: z
          .record(z.string(), z.enum(['never', 'always']))
          .default({})
          .meta({ allowed: 'names of servers, or server.tool, each with never or always' })
          .describe(
            'Whether a call that was lost on its way may be made once more, by server or server.tool; beats what the server says of its tools.',
          ),
        permission: z
          .record(z.string(), permission)
          .default({})
          .meta({ allowed: 'names of servers, or server.tool, each with always, ask or never' })
          .describe(
            'Whether a tool is called at once, after a person has approved the call, or not at all, by server or server.tool; a model is not told of tools with never. For what is not named see permission_by_hint.',
          ),
        permission_by_hint: z
          .strictObject({
            read_only: permission.default('always').describe('Tools with `readOnlyHint: true`.'),
            additive: permission
              .default('always')
              .describe('Tools that are not read-only, with `destructiveHint: false`.'),
            destructive: permission
              .default('always')
              .describe('All others, those too of which nothing is said: the MCP takes them for destructive.'),
          })
          .prefault({})
          .describe(
            "The same for tools that `permission` does not name, by the servers' own annotations; name a server whose word you do not trust.",
          ),
        approval_timeout: seconds()
          .default(86_400)
          .describe(
            'Time that a person has to approve a call, also across restarts; after it the call is denied and the turn goes on.',
          ),
        max_result_tokens: count('tokens', 16)
          .default(2000)
          .describe('Part of a result that the model is shown, head and tail; the log keeps the whole.'),
      })
      .prefault({})
      .describe('Tool calls.'),
    budget: z
      .strictObject({
        turn_tokens: count('tokens', 0).default(0).describe('What one turn may use over all its hops. 0: any amount.'),
        turn_cost: z
          .number()
          .nonnegative()
          .default(0)
          .describe('What one turn may cost, by the prices of its providers. 0: any amount.'),
        conversation_tokens: count('tokens', 0)
          .default(0)
          .describe('What all turns of a conversation may use. 0: any amount.'),
        conversation_cost: z
          .number()
          .nonnegative()
          .default(0)
          .describe('What all turns of a conversation may cost. 0: any amount.'),
      })
      .prefault({})
      .describe(
        'What may be spent: looked at before each request to a model, so that the last one may go beyond. A turn whose budget is used up ends as `budget_exceeded`.',
      ),
    queue_length: count('messages', 0, 10_000)
      .default(32)
      .describe('Messages that may wait behind the running turn of a conversation; further ones are `overloaded`.'),
    max_running_turns: count('turns', 1)
      .default(1000)
      .describe(
        'Turns at work at once over all conversations; further ones wait in line, each owner in turn. One that waits for a person is not at work.',
      ),
    max_text_length: count('characters', 1)
      .default(100_000)
      .describe('Longest text of one message: counting its tokens takes time, and the context keeps it in memory.'),
    idle_timeout: seconds()
      .default(300)
      .describe('Quiet time after which a conversation leaves memory; its log stays and the next message reopens it.'),
    log_cache_bytes: bytes(0)
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
          .describe(
            'What becomes of a turn that a restart cut off: `resume` goes on with it, `interrupt` ends it as failed.',
          ),
        attempts: count('restarts', 0, 100)
          .default(3)
          .describe('Restarts after which a turn is still taken up again; beyond, the restarts may be its own doing.'),
        max_age: seconds()
          .default(3600)
          .describe('Age of a message up to which its turn is taken up again; nobody waits for an older one.'),
        max_concurrent: count('conversations', 1, 1000)
          .default(4)
          .describe(
            'Conversations that are taken up at the same time after a start, so that the start does not storm the provider.',
          ),
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

export const chatSection = z.strictObject({ service, websocket }).prefault({}).describe('Conversations and sockets.');
