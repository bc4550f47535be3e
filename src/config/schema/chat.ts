/**
 * Defines the `chat` section: how conversations behave (`service`) and what sockets may do (`websocket`). The only place
 * of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { bytes, count, milliseconds, seconds, secondsOrNone } from './quantities.ts';
import { websocket } from './websocket.ts';

const context = z
  .strictObject({
    max_tokens: count('tokens', 64)
      .default(32_000)
      .describe(
        'Context window: most tokens of one request to the model, for its tool schemas, system prompt, messages and answer. A larger window remembers more and costs more per turn. Set it to what the model takes, if that is less.',
      ),
    reserve_tokens: count('tokens', 0)
      .default(4000)
      .describe(
        'Part of max_tokens that stays free for the answer. `max_tokens` in the block of the provider keeps more of it free, if it is larger.',
      ),
    preserve_recent: count('messages', 0, 1000)
      .default(4)
      .describe(
        'Newest messages that are always sent. A message that is too large is cut in its middle, with a notice.',
      ),
    max_images: count('images', 0, 1000)
      .default(8)
      .describe(
        'Most images in one request to the model, the newest ones, as far as they fit. Each counts as 1000 tokens. 0: none.',
      ),
  })
  .superRefine((window, check) => {
    if (window.reserve_tokens >= window.max_tokens) {
      check.addIssue({
        code: 'custom',
        path: ['reserve_tokens'],
        params: { allowed: `less than context.max_tokens (${window.max_tokens}), or no message fits` },
      });
    }
  })
  .prefault({})
  .describe('The part of a conversation that the model gets.');

/** Whether a tool may be called. */
const permission = z.enum(['always', 'ask', 'never']);

const service = z
  .strictObject({
    system_prompt: z
      .string()
      .default('You are a helpful assistant. Use the tools you are offered where they help.')
      .describe('First message of every context. Empty text: none.'),
    streaming: z
      .strictObject({
        enabled: z
          .boolean()
          .default(true)
          .describe('Whether answers are streamed. A chat can override it with `streaming`.'),
        flush_ms: milliseconds()
          .default(0)
          .describe(
            'Least time between two chunks of an answer. 0: a chunk holds what arrived in one turn of the event loop, with no delay.',
          ),
        draft_interval: secondsOrNone()
          .default(1)
          .describe(
            'Time between two saves of an unfinished answer. A crash loses at most that much of it. 0 disables the saves.',
          ),
      })
      .prefault({})
      .describe('How answers are sent.'),
    context,
    max_tool_hops: count('hops', 0, 100)
      .default(8)
      .describe('Most rounds of tool calls in one turn. Stops a model that calls tools in a loop.'),
    tools: z
      .strictObject({
        timeout: seconds()
          .default(60)
          .describe(
            'Timeout of one tool call that reports no progress. The call ends as `timed_out` and the turn continues.',
          ),
        max_timeout: seconds()
          .default(600)
          .describe(
            'Timeout of one tool call that reports progress or asks people. The time that people take does not count.',
          ),
        task_timeout: seconds()
          .default(3600)
          .describe(
            'Timeout of one tool call that its server runs as a task (MCP Tasks). Parley then asks the server to cancel the task. The time that people take does not count.',
          ),
        max_concurrent: count('calls', 1, 1000)
          .default(8)
          .describe('Most tool calls of one answer that run at the same time.'),
        repeat: z
          .record(z.string(), z.enum(['never', 'always']))
          .default({})
          .meta({ allowed: 'names of servers, or server.tool, each with never or always' })
          .describe(
            'Whether a call that was lost may be repeated once, by server or server.tool. Takes precedence over the annotations of the server.',
          ),
        permission: z
          .record(z.string(), permission)
          .default({})
          .meta({ allowed: 'names of servers, or server.tool, each with always, ask or never' })
          .describe(
            'By server or server.tool: call the tool at once (`always`), after a person has approved the call (`ask`), or not at all (`never`). The model does not see tools with `never`. With `never` for a whole server, clients get no prompts and resources of it either. permission_by_hint decides for all other tools.',
          ),
        permission_by_hint: z
          .strictObject({
            read_only: permission.default('always').describe('Tools with `readOnlyHint: true`.'),
            additive: permission
              .default('always')
              .describe('Tools that are not read-only, with `destructiveHint: false`.'),
            destructive: permission
              .default('always')
              .describe('All other tools, also those without annotations: MCP treats them as destructive.'),
          })
          .prefault({})
          .describe(
            "The same for tools that `permission` does not name, by the servers' own annotations. Name the servers whose annotations you do not trust in `permission`.",
          ),
        approval_timeout: seconds()
          .default(86_400)
          .describe(
            'Time that a person has to approve a call, also across restarts. Then the call is denied and the turn continues.',
          ),
        max_result_tokens: count('tokens', 16)
          .default(2000)
          .describe('Part of a result that the model gets: its head and tail. The log keeps the whole result.'),
        max_image_size: bytes(0)
          .default(2_097_152)
          .describe(
            'Most bytes of all images of one result together. An image that does not fit is left out for the model, the clients and the log, with a sentence in its place.',
          ),
      })
      .prefault({})
      .describe('Tool calls.'),
    budget: z
      .strictObject({
        turn_tokens: count('tokens', 0)
          .default(0)
          .describe('Tokens that one turn may use over all its hops. 0: no limit.'),
        turn_cost: z
          .number()
          .nonnegative()
          .default(0)
          .describe('What one turn may cost, by the prices of its providers. 0: no limit.'),
        conversation_tokens: count('tokens', 0)
          .default(0)
          .describe('Tokens that all turns of a conversation may use. 0: no limit.'),
        conversation_cost: z
          .number()
          .nonnegative()
          .default(0)
          .describe('What all turns of a conversation may cost. 0: no limit.'),
      })
      .prefault({})
      .describe(
        'Limits on tokens and cost. Checked before each request to a model, so the last request may exceed them. A turn whose budget is used up ends as `budget_exceeded`.',
      ),
    queue_length: count('messages', 0, 10_000)
      .default(32)
      .describe('Most messages queued behind the running turn of a conversation. Further ones are `overloaded`.'),
    max_running_turns: count('turns', 1)
      .default(1000)
      .describe(
        'Most turns that run at the same time, over all conversations. Further turns are queued, fairly among owners: while another waits, no owner gets more than half. A turn that waits for a person does not count.',
      ),
    max_turn_time: seconds()
      .default(7200)
      .describe(
        'Longest time of one turn: its answers, tool calls and delays. It begins when the turn starts, and again after each wait for people; the wait in the queue does not count. Then the turn ends as `turn_timeout`.',
      ),
    max_text_length: count('characters', 1)
      .default(100_000)
      .describe('Longest text of one message. Counting its tokens takes time, and the context keeps it in memory.'),
    max_metadata_size: bytes(2)
      .default(16_384)
      .describe(
        'Largest `metadata` of one message, as JSON. It is stored with the message, and a retention policy counts only texts.',
      ),
    idle_timeout: seconds()
      .default(300)
      .describe('Idle time after which a conversation leaves memory. Its log stays, and the next message reopens it.'),
    log_cache_bytes: bytes(0)
      .default(67_108_864)
      .describe('Cache for the contexts of all conversations. An evicted context is read from the log again.'),
    max_live_conversations: count('conversations', 1)
      .default(100_000)
      .describe('Most conversations in memory, a few KB each. Further ones are `overloaded`.'),
    recovery: z
      .strictObject({
        mode: z
          .enum(['resume', 'interrupt'])
          .default('resume')
          .describe(
            'How the next start treats a turn that a restart interrupted: `resume` continues it, `interrupt` ends it as failed.',
          ),
        attempts: count('restarts', 0, 100)
          .default(3)
          .describe(
            'Restarts after which a turn is still resumed. After more, the turn itself may cause the restarts.',
          ),
        max_age: seconds()
          .default(3600)
          .describe('Turns of older messages are not resumed, because their answers are no longer expected.'),
        max_concurrent: count('conversations', 1, 1000)
          .default(4)
          .describe(
            'Most conversations that are resumed at the same time after a start, so that the start does not overload the provider.',
          ),
      })
      .prefault({})
      .describe('Turns that were running when the server stopped.'),
    crash_budget: z
      .strictObject({
        crashes: count('crashes', 1, 1000)
          .default(5)
          .describe('After so many crashes within the window, a conversation stays closed until the window is over.'),
        window: seconds().default(60).describe('Time over which crashes are counted.'),
      })
      .prefault({})
      .describe('Limits the restarts of a conversation that keeps crashing.'),
  })
  .prefault({})
  .describe('Conversations and their turns.');

export const chatSection = z.strictObject({ service, websocket }).prefault({}).describe('Conversations and sockets.');
