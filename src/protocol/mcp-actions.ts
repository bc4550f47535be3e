/** The actions on MCP servers: their tools, prompts and resources. Part of the table in actions.ts. */
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
  name: z.string().describe('As the model calls it.'),
  server: z.string().describe('Its MCP server.'),
  title: z.string().nullable().describe('Its name for people; null where it has none.'),
  description: z.string().describe('What it does, in the words of its server.'),
  input_schema: z.record(z.string(), z.unknown()).describe('JSON Schema of its arguments, as the server gave it.'),
  annotations: z
    .record(z.string(), z.boolean())
    .describe(
      "What its server says of it, in the MCP's words: `readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`.",
    ),
});

const mcpServer = z.strictObject({
  name: z.string().describe('As it is configured.'),
  state: z
    .string()
    .describe('The state of its chart: `ready`, `connecting`, `authorizing`, `backingOff`, `failed`, ...'),
  tools: count.describe('How many it offers.'),
  protocol: z
    .string()
    .nullable()
    .describe('The revision of the MCP that is spoken with it; null while there is no connection.'),
  error: z.string().nullable().describe('What is wrong, in words.'),
  authorize_url: z
    .string()
    .nullable()
    .describe('With `authorizing`: what somebody has to open in a browser on the machine of the server; else null.'),
});

const ofServer = z.string().describe('Its MCP server.');
const named = {
  server: ofServer,
  name: z.string().describe('As its server calls it.'),
  title: z.string().nullable().describe('For people; null where the server gives none.'),
  description: z.string().describe('In the words of its server.'),
};
const mimeType = z.string().nullable().describe('Null where the server does not say.');
const servers = z.array(mcpServer).describe('All that are configured. Of one that is not `ready` nothing is listed.');

const offeredPrompt = z.strictObject({
  ...named,
  arguments: z
    .array(
      z.strictObject({
        name: z.string().describe('Its name.'),
        description: z.string().describe('In the words of the server.'),
        required: z.boolean().describe('Whether it must be filled in.'),
      }),
    )
    .describe('What is to be filled in.'),
});

const offeredResource = z.strictObject({
  ...named,
  uri: z.string().describe('To read it by.'),
  mime_type: mimeType,
  size_bytes: z.number().nullable().describe('Null where the server does not say.'),
});

const resourceTemplate = z.strictObject({
  ...named,
  uri_template: z.string().describe('RFC 6570: what its variables are filled in with makes a URI.'),
  mime_type: mimeType,
});

export const mcpActions = {
  tools: {
    payload: () => z.object({}).describe('The tools of the MCP servers, and the state of each server.'),
    result: z.strictObject({
      tools: z
        .array(offeredTool)
        .describe(
          'What the servers offer. Tools whose `permission` is `never` are among them, but no model is told of those.',
        ),
      servers: z.array(mcpServer).describe('All that are configured.'),
    }),
  },
  prompts: {
    payload: () =>
      z
        .object({ server: mcpServerName.optional().describe('Of this MCP server alone.'), ...page })
        .describe('A page of the prompts that MCP servers offer.'),
    result: z.strictObject({
      prompts: z.array(offeredPrompt).describe('In the order of the servers.'),
      next_cursor: nextCursor,
      servers,
    }),
  },
  get_prompt: {
    payload: () => filledPrompt.describe('A prompt, filled in.'),
    result: z.strictObject({
      description: z.string().describe('In the words of the server.'),
      messages: z
        .array(
          z.strictObject({
            role: z.enum(['user', 'assistant']).describe('Who says it.'),
            text: z.string().describe('What a model is shown of it.'),
            content: z.record(z.string(), z.unknown()).describe('The content block as the server gave it.'),
          }),
        )
        .describe('What the prompt says.'),
    }),
  },
  resources: {
    payload: () =>
      z
        .object({ server: mcpServerName.optional().describe('Of this MCP server alone.'), ...page })
        .describe('A page of the resources that MCP servers offer, and of the templates for more.'),
    result: z.strictObject({
      resources: z.array(offeredResource).describe('In the order of the servers.'),
      templates: z.array(resourceTemplate).describe('They follow the last of the resources.'),
      next_cursor: nextCursor,
      servers,
    }),
  },
  read_resource: {
    payload: () =>
      z
        .object({ server: mcpServerName, uri: mcpName.describe('The resource, listed or made of a template.') })
        .describe('What a resource holds.'),
    result: z.strictObject({
      contents: z
        .array(
          z.strictObject({
            uri: z.string().describe('The part; that of the resource, or one below it.'),
            mime_type: mimeType,
            text: z.string().nullable().describe('Null for what is no text.'),
            blob: z.string().nullable().describe('Base64; null for text.'),
          }),
        )
        .describe('Its parts.'),
    }),
  },
  complete_argument: {
    payload: () =>
      z
        .object({
          server: mcpServerName,
          prompt: mcpName.optional().describe('The prompt whose argument it is.'),
          uri_template: mcpName.optional().describe('Or the template whose variable it is.'),
          argument: z
            .object({
              name: argumentText.describe('Its name.'),
              value: argumentText.describe('As far as it is typed in.'),
            })
            .describe('What to complete.'),
          known: promptArguments.describe('The other arguments, as far as they are filled in.'),
        })
        .refine(({ prompt, uri_template: template }) => (prompt === undefined) !== (template === undefined), {
          path: ['prompt'],
          error: 'expected either a prompt or a uri_template',
        })
        .describe('What an argument may be, given its beginning.'),
    result: z.strictObject({
      values: z.array(z.string()).describe('At most 100.'),
      total: z.number().nullable().describe('How many there are; null where the server has not counted them.'),
      has_more: z.boolean().describe('Whether there are more than these.'),
    }),
  },
} satisfies Record<string, ActionEntry>;
