/**
 * Defines chunks: the parts of a turn while it runs. A chunk that shows a row of the log has the row's `seq`. A chunk
 * without `seq` is sent once and not stored. `data` is always text, for clients that know no more.
 */
import { z } from 'zod';
import { toolStatuses } from '../../machines/log.ts';
import { count, seq } from './values.ts';

const kind = <Name extends string>(name: Name) => z.literal(name).describe('The kind of chunk.');
const messageId = z.string().describe('The message: the future id of its row. Each attempt at a message has a new id.');
const callId = z.string().describe('The call. Unique within the conversation.');
const rowSeq = seq.describe('The row that the chunk shows.');
const remembered = z
  .literal(true)
  .exactOptional()
  .describe('Decided by a remembered decision of a person about this tool.');

/** One schema for each type of chunk. */
export const chunks = {
  text: z
    .strictObject({
      type: z
        .enum(['text', 'reasoning'])
        .describe('`text`: the answer. `reasoning`: the reasoning of the model before it.'),
      message_id: messageId,
      offset: count.describe(
        'Position of its start, in UTF-16 units. Text and reasoning are counted separately. Never within a surrogate pair.',
      ),
      data: z.string().describe('The text at that position.'),
    })
    .describe('A piece of a message.'),
  tool_call: z
    .strictObject({
      type: kind('tool_call'),
      call_id: callId,
      name: z.string().describe('The tool.'),
      server: z.string().describe('Its MCP server.'),
      arguments: z.record(z.string(), z.unknown()).describe('The arguments of the call.'),
      attempt: seq.exactOptional().describe('2: the one repeat of an idempotent call.'),
      resumed: z
        .literal(true)
        .exactOptional()
        .describe('The call was suspended for a question to a person, and continues with the answer.'),
      edited: z.literal(true).exactOptional().describe('A person changed the arguments.'),
      remembered,
      data: z.string().describe('The arguments as JSON text.'),
      seq: rowSeq,
    })
    .describe('A tool call starts.'),
  tool_result: z
    .strictObject({
      type: kind('tool_result'),
      call_id: callId,
      name: z.string().describe('The tool.'),
      status: z.enum(toolStatuses).describe('How the call ended. `outcome_unknown`: the call may have taken effect.'),
      remembered,
      data: z
        .string()
        .describe(
          'The result that the model gets, cut at `max_result_tokens`. With what the server means for the user alone, and without what it means for the model alone.',
        ),
      images: z
        .array(
          z.strictObject({
            mime_type: z.string().describe('Such as `image/png`.'),
            data: z.string().describe('The image in base64.'),
          }),
        )
        .exactOptional()
        .describe('The images of the result, within `max_image_size`. A larger one is a sentence in `data`.'),
      duration_ms: z.number().min(0).describe('Duration in ms.'),
      seq: rowSeq,
    })
    .describe(
      'A tool call ends. A call that was not made has a result, but no `tool_call`: its tool is unknown, its arguments are no JSON object, a person denied it, or the hop limit is reached.',
    ),
  tool_progress: z
    .strictObject({
      type: kind('tool_progress'),
      call_id: callId,
      progress: z.number().describe('Progress, in the unit of the server.'),
      total: z.number().exactOptional().describe('Progress at the end of the call.'),
      data: z.string().describe("The server's message. May be empty."),
    })
    .describe('Progress of a running call.'),
  approval_request: z
    .strictObject({
      type: kind('approval_request'),
      interrupt_id: z.string().describe('The id for `respond`.'),
      call_id: callId,
      about: z
        .literal('sampling')
        .exactOptional()
        .describe('The server of a running call wants to send a request to the model, which may cost money.'),
      name: z.string().describe('The tool.'),
      server: z.string().describe('Its MCP server.'),
      arguments: z
        .record(z.string(), z.unknown())
        .describe('The arguments of the call. For sampling: the request to the model, as MCP defines it.'),
      expires_at: z.string().describe('UTC, ISO 8601. After this time the call is denied.'),
      data: z.string().describe('The question as text.'),
      seq: rowSeq,
    })
    .describe('A call that waits for approval by a person.'),
  elicitation_request: z
    .strictObject({
      type: kind('elicitation_request'),
      interrupt_id: z.string().describe('The id for `respond`.'),
      call_id: callId,
      name: z.string().describe('The tool.'),
      server: z.string().describe('The MCP server that asks. Show it to the person.'),
      mode: z
        .enum(['form', 'url'])
        .describe(
          '`form`: a form to fill in. `url`: a page to open. Show the URL to the person first. Parley does not see what happens on the page.',
        ),
      requested_schema: z
        .record(z.string(), z.unknown())
        .exactOptional()
        .describe('With `form`: JSON Schema of the values, a flat object.'),
      url: z.string().exactOptional().describe('With `url`: http or https.'),
      expires_at: z.string().describe('UTC, ISO 8601. After this time a response is too late.'),
      data: z.string().describe('The question of the server.'),
      seq: rowSeq,
    })
    .describe('The server of a running call asks a person. The timeout of the call is paused meanwhile.'),
  notice: z
    .strictObject({
      type: kind('notice'),
      kind: z
        .enum([
          'started',
          'queued_for_turn',
          'queued_for_provider',
          'tools_unsupported',
          'tools_left_out',
          'context_truncated',
          'content_filtered',
          'retrying',
          'server_connecting',
          'server_unavailable',
          'server_available',
          'server_authorizing',
          'server_log',
          'resource_unavailable',
        ])
        .describe(
          '`started`: a queued turn begins. `queued_for_turn`: the limit of running turns is reached. `queued_for_provider`: a limit of the provider is reached. `tools_unsupported`: the model takes no tools and is asked without them. `tools_left_out`: the model does not get some tools. Either the provider does not take them (the action `tools` has the reason of each), or they do not fit the context. `context_truncated`: messages were cut in the middle to fit the context. `content_filtered`: the content filter of the provider stopped the answer, and the turn is left out of later requests. `retrying`: the provider failed or its answer was empty, and the request goes to it or to the next provider. `server_connecting`: the turn waits for an MCP server that was just started. `server_unavailable`: an MCP server is not available, or was removed from the configuration. `server_available`: it is available again. `server_authorizing`: a person must authorize an MCP server in a browser. `server_log`: a log message of an MCP server during a call. `resource_unavailable`: the system prompt lacks a resource that could not be read.',
        ),
      data: z.string().describe('The notice as text.'),
      position: count
        .exactOptional()
        .describe('With `queued_for_turn` and `queued_for_provider`: length of the queue, this turn included.'),
      delay_ms: count.exactOptional().describe('With `retrying`: the delay in ms.'),
      provider: z
        .string()
        .exactOptional()
        .describe(
          'With `retrying`, `queued_for_provider`, `tools_unsupported` and `tools_left_out`: the provider that gets the request. With `content_filtered`: the provider that stopped the answer.',
        ),
      server: z.string().exactOptional().describe('With `server_...`: the MCP server.'),
      url: z
        .string()
        .exactOptional()
        .describe('With `server_authorizing`: the URL to open in a browser on the machine of the Parley server.'),
      level: z
        .enum(['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'])
        .exactOptional()
        .describe('With `server_log`: the severity.'),
      call_id: z.string().exactOptional().describe('With `server_log`: the call.'),
    })
    .describe('Information about the turn. It changes nothing. New kinds may be added.'),
  reset: z
    .strictObject({
      type: kind('reset'),
      message_id: z.string().describe('The message.'),
      data: z.string().describe('Empty.'),
    })
    .describe('Discard the text of this message: it starts again, or the server does not have it.'),
};

/** Any chunk. */
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

/** Any chunk. */
export type Chunk = z.infer<typeof chunk>;
