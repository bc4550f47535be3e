/** Defines the actions on MCP servers: their tools, prompts and resources. Part of the table in actions.ts. */
import { z } from 'zod';
import type { ActionEntry } from './action-entry.ts';
import {
  argumentText,
  count,
  filledPrompt,
  mcpName,
  mcpServerName,
  nextCursor,
  page,
  promptArguments,
} from './values.ts';

const offeredTool = z.strictObject({
  name: z.string().describe('The name that the model uses.'),
  server: z.string().describe('Its MCP server.'),
  title: z.string().nullable().describe('Display name. Null if none.'),
  description: z.string().describe('Description from its server.'),
  input_schema: z.record(z.string(), z.unknown()).describe('JSON Schema of its arguments, as the server sent it.'),
  annotations: z
    .record(z.string(), z.boolean())
    .describe(
      'Hints from its server, as MCP names them: `readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`.',
    ),
  left_out: z.string().nullable().describe('Why the model of the active provider does not get it. Null if it does.'),
});

const mcpServer = z.strictObject({
  name: z.string().describe('Its name in the configuration.'),
  state: z
    .string()
    .describe('The state of its statechart: `ready`, `connecting`, `authorizing`, `backingOff`, `failed`, ...'),
  tools: count.describe('Number of its tools.'),
  protocol: z.string().nullable().describe('MCP revision of the connection. Null without a connection.'),
  error: z.string().nullable().describe('The error, as text. Null if none.'),
  authorize_url: z
    .string()
    .nullable()
    .describe('With `authorizing`: the URL to open in a browser on the machine of the Parley server. Else null.'),
});

const ofServer = z.string().describe('Its MCP server.');
const named = {
  server: ofServer,
  name: z.string().describe('Its name at the server.'),
  title: z.string().nullable().describe('Display name. Null if none.'),
  description: z.string().describe('Description from its server.'),
};
const mimeType = z.string().nullable().describe('Null if unknown.');
const servers = z
  .array(mcpServer)
  .describe('All configured servers. A server that is not `ready` has no entries in the list.');

const offeredPrompt = z.strictObject({
  ...named,
  arguments: z
    .array(
      z.strictObject({
        name: z.string().describe('Its name.'),
        description: z.string().describe('Description from the server.'),
        required: z.boolean().describe('Whether a value is required.'),
      }),
    )
    .describe('Its arguments.'),
});

const offeredResource = z.strictObject({
  ...named,
  uri: z.string().describe('The URI for `read_resource`.'),
  mime_type: mimeType,
  size_bytes: z.number().nullable().describe('Null if unknown.'),
});

const resourceTemplate = z.strictObject({
  ...named,
  uri_template: z.string().describe('URI template (RFC 6570).'),
  mime_type: mimeType,
});

/** By the name of the action. */
export const mcpActions = {
  tools: {
    payload: () => z.object({}).describe('Lists the tools of the MCP servers, and the state of each server.'),
    result: z.strictObject({
      tools: z
        .array(offeredTool)
        .describe('Tools of all servers. Tools with `permission: never` are listed too, but are not sent to a model.'),
      servers: z.array(mcpServer).describe('All configured servers.'),
    }),
  },
  prompts: {
    payload: () =>
      z
        .object({ server: mcpServerName.optional().describe('Only entries of this MCP server.'), ...page })
        .describe('Lists the prompts of the MCP servers, one page at a time.'),
    result: z.strictObject({
      prompts: z.array(offeredPrompt).describe('Ordered by server.'),
      next_cursor: nextCursor,
      servers,
    }),
  },
  get_prompt: {
    payload: () => filledPrompt.describe('Gets a prompt with its arguments filled in.'),
    result: z.strictObject({
      description: z.string().describe('Description from the server.'),
      messages: z
        .array(
          z.strictObject({
            role: z.enum(['user', 'assistant']).describe('The role of the message.'),
            text: z.string().describe('The text that a model gets.'),
            content: z.record(z.string(), z.unknown()).describe('The content block as the server sent it.'),
          }),
        )
        .describe('The messages of the prompt.'),
    }),
  },
  resources: {
    payload: () =>
      z
        .object({ server: mcpServerName.optional().describe('Only entries of this MCP server.'), ...page })
        .describe('Lists the resources and resource templates of the MCP servers, one page at a time.'),
    result: z.strictObject({
      resources: z.array(offeredResource).describe('Ordered by server.'),
      templates: z.array(resourceTemplate).describe('Listed after the last resource.'),
      next_cursor: nextCursor,
      servers,
    }),
  },
  read_resource: {
    payload: () =>
      z
        .object({
          server: mcpServerName,
          uri: mcpName.describe('The resource: a listed URI, or one made from a template.'),
        })
        .describe('Reads a resource.'),
    result: z.strictObject({
      contents: z
        .array(
          z.strictObject({
            uri: z.string().describe('The URI of the part: that of the resource or of a part of it.'),
            mime_type: mimeType,
            text: z.string().nullable().describe('Null if the part is binary.'),
            blob: z.string().nullable().describe('Base64. Null if the part is text.'),
          }),
        )
        .describe('The parts of the resource.'),
    }),
  },
  complete_argument: {
    payload: () =>
      z
        .object({
          server: mcpServerName,
          prompt: mcpName.optional().describe('The prompt that has the argument.'),
          uri_template: mcpName.optional().describe('Or the template that has the variable.'),
          argument: z
            .object({
              name: argumentText.describe('Its name.'),
              value: argumentText.describe('The beginning of the value.'),
            })
            .describe('The argument to complete.'),
          known: promptArguments.describe('Values of other arguments.'),
        })
        .refine(({ prompt, uri_template: template }) => (prompt === undefined) !== (template === undefined), {
          path: ['prompt'],
          error: 'expected either a prompt or a uri_template',
        })
        .describe('Suggests values for an argument, given its beginning.'),
    result: z.strictObject({
      values: z.array(z.string()).describe('Suggested values, at most 100.'),
      total: z.number().nullable().describe('Number of all possible values. Null if the server did not count them.'),
      has_more: z.boolean().describe('Whether more values exist.'),
    }),
  },
} satisfies Record<string, ActionEntry>;
