/**
 * The parts of a turn while it runs. A chunk that shows a row of the log carries the row's `seq`; what carries
 * none is told once and not kept. `data` is always text, for clients that know no more.
 */
import { z } from 'zod';
import type { ToolStatus } from '../../machines/log.ts';
import { count, seq } from './values.ts';

const kind = <Name extends string>(name: Name) => z.literal(name).describe('The kind of chunk.');
const messageId = z
  .string()
  .describe('The message: the id that its row will have. Every new attempt at a message has a new one.');
const callId = z.string().describe('The call, unique within the conversation.');
const rowSeq = seq.describe('The row that it shows.');
const remembered = z
  .literal(true)
  .exactOptional()
  .describe('Nobody was asked: a person had decided about this tool before.');

const toolStatus = z.enum([
  'ok',
  'error',
  'denied',
  'cancelled',
  'timed_out',
  'outcome_unknown',
  'limit',
]) satisfies z.ZodType<ToolStatus>;

export const chunks = {
  text: z
    .strictObject({
      type: z.enum(['text', 'reasoning']).describe('`text`: the answer. `reasoning`: what the model thought before.'),
      message_id: messageId,
      offset: count.describe(
        'Where it starts, in UTF-16 units, text and reasoning counted each by itself. Never within a surrogate pair.',
      ),
      data: z.string().describe('What comes there.'),
    })
    .describe('A piece of a message.'),
  tool_call: z
    .strictObject({
      type: kind('tool_call'),
      call_id: callId,
      name: z.string().describe('The tool.'),
      server: z.string().describe('Its MCP server.'),
      arguments: z.record(z.string(), z.unknown()).describe('What it is called with.'),
      attempt: seq.exactOptional().describe('2: the one repeat of a harmless call.'),
      resumed: z
        .literal(true)
        .exactOptional()
        .describe('It goes on where its server had laid it down: people have answered.'),
      edited: z.literal(true).exactOptional().describe('A person has changed the arguments.'),
      remembered,
      data: z.string().describe('The arguments as JSON text.'),
      seq: rowSeq,
    })
    .describe('A call that is made now.'),
  tool_result: z
    .strictObject({
      type: kind('tool_result'),
      call_id: callId,
      name: z.string().describe('The tool.'),
      status: toolStatus.describe('How it ended. `outcome_unknown`: it may have taken effect, nobody can tell.'),
      remembered,
      data: z.string().describe('The result as the model is shown it, cut at `max_result_tokens`.'),
      duration_ms: z.number().min(0).describe('How long it took, in ms.'),
      seq: rowSeq,
    })
    .describe(
      'The end of a call. One that was not made (the tool is unknown, its arguments are no JSON object, a person declined it, the limit of hops is reached) has a result and no `tool_call`.',
    ),
  tool_progress: z
    .strictObject({
      type: kind('tool_progress'),
      call_id: callId,
      progress: z.number().describe('How far it is, by the measure of the server.'),
      total: z.number().exactOptional().describe('How far it will be at its end.'),
      data: z.string().describe("The server's words, or none."),
    })
    .describe('A call that runs tells how far it is.'),
  approval_request: z
    .strictObject({
      type: kind('approval_request'),
      interrupt_id: z.string().describe('To answer with `respond`.'),
      call_id: callId,
      about: z
        .literal('sampling')
        .exactOptional()
        .describe('The server of a call that runs wants to ask the model, at the cost of whoever pays for it.'),
      name: z.string().describe('The tool.'),
      server: z.string().describe('Its MCP server.'),
      arguments: z
        .record(z.string(), z.unknown())
        .describe('What it would be called with; or what the model would be asked, as the MCP has it.'),
      expires_at: z.string().describe('UTC, ISO 8601: after it the call is denied.'),
      data: z.string().describe('The question in words.'),
      seq: rowSeq,
    })
    .describe('A call that waits for a person.'),
  elicitation_request: z
    .strictObject({
      type: kind('elicitation_request'),
      interrupt_id: z.string().describe('To answer with `respond`.'),
      call_id: callId,
      name: z.string().describe('The tool.'),
      server: z.string().describe('Its MCP server, whose question it is: show people who asks.'),
      mode: z
        .enum(['form', 'url'])
        .describe(
          '`form`: to be filled in. `url`: a page to be visited, by a person who has seen where it leads; what happens there stays there.',
        ),
      requested_schema: z
        .record(z.string(), z.unknown())
        .exactOptional()
        .describe('With `form`: JSON Schema of the answer, a flat object.'),
      url: z.string().exactOptional().describe('With `url`: http or https.'),
      expires_at: z.string().describe('UTC, ISO 8601: after it nobody is waited for.'),
      data: z.string().describe('The question in the words of the server.'),
      seq: rowSeq,
    })
    .describe('The server of a call that runs asks a person. The clock of the call stands still meanwhile.'),
  notice: z
    .strictObject({
      type: kind('notice'),
      kind: z
        .enum([
          'started',
          'queued_for_turn',
          'queued_for_provider',
          'tools_unsupported',
          'context_truncated',
          'retrying',
          'server_connecting',
          'server_unavailable',
          'server_available',
          'server_authorizing',
          'server_log',
          'resource_unavailable',
        ])
        .describe(
          '`started`: a queued turn begins. `queued_for_turn`: the server has enough turns at work. `queued_for_provider`: the provider has as many requests as it may. `tools_unsupported`: the model takes no tools and is asked without them. `context_truncated`: messages were cut in the middle to fit the context. `retrying`: the provider failed and is asked again, or the next one. `server_connecting`: the turn waits for an MCP server that has just been started. `server_unavailable`, `server_available`: an MCP server is away or was removed from the configuration, is back. `server_authorizing`: an MCP server can be used when somebody has authorized it in a browser. `server_log`: an MCP server says something while it is at work on a call. `resource_unavailable`: a resource that belongs to the system prompt is left out.',
        ),
      data: z.string().describe('The same in words.'),
      position: count
        .exactOptional()
        .describe('With `queued_for_turn` and `queued_for_provider`: how many stand in line, this one included.'),
      delay_ms: count.exactOptional().describe('With `retrying`: the wait until then, in ms.'),
      provider: z
        .string()
        .exactOptional()
        .describe('With `retrying`, `queued_for_provider` and `tools_unsupported`: who will be asked.'),
      server: z.string().exactOptional().describe('With `server_...`: the MCP server.'),
      url: z
        .string()
        .exactOptional()
        .describe('With `server_authorizing`: what to open, in a browser on the machine of the server.'),
      level: z
        .enum(['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'])
        .exactOptional()
        .describe('With `server_log`: how grave it is.'),
      call_id: z.string().exactOptional().describe('With `server_log`: the call.'),
    })
    .describe('Something worth telling that changes nothing. More kinds may come.'),
  reset: z
    .strictObject({
      type: kind('reset'),
      message_id: z.string().describe('The message.'),
      data: z.string().describe('Empty.'),
    })
    .describe('Forget what was shown of a message: it is begun anew, or not known.'),
};

export const chunk = z.discriminatedUnion('type', [
  chunks.text,
  chunks.tool_call,
  chunks.tool_result,
  chunks.tool_progress,
  chunks.approval_request,
  chunks.elicitation_request,
  chunks.notice,
  chunks.reset,
]);

export type Chunk = z.infer<typeof chunk>;
