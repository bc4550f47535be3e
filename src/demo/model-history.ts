/**
 * What the demo model sees: a chat completion request, read as a conversation. Everything it
 * seems to remember is derived from here, as it is with any real model.
 */
import { z } from 'zod';

const content = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).nullish();

/** The body of a request, as far as the demo looks into it. */
export const demoRequest = z.object({
  model: z.string(),
  messages: z.array(
    z.object({
      role: z.string(),
      content,
      tool_calls: z
        .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
        .optional(),
      tool_call_id: z.string().optional(),
    }),
  ),
  tools: z
    .array(
      z.object({
        function: z.object({
          name: z.string(),
          description: z.string().default(''),
          parameters: z
            .looseObject({ properties: z.record(z.string(), z.unknown()).default({}) })
            .default({ properties: {} }),
        }),
      }),
    )
    .default([]),
});

export type DemoRequest = z.infer<typeof demoRequest>;

/** A tool as offered. */
export interface OfferedTool {
  name: string;
  description: string;
  /** Names of its parameters, in the schema's order. */
  parameters: readonly string[];
}

/** A tool call of the running turn with what came of it. */
export interface ToolOutcome {
  name: string;
  arguments: string;
  result: string;
}

export interface DemoConversation {
  /** What the user asks now. */
  question: string;
  /** What the user said before, oldest first. */
  earlier: readonly string[];
  tools: readonly OfferedTool[];
  /** How many times tools have been asked for since the question. */
  hopsDone: number;
  /** All outcomes since the question, in call order. */
  outcomes: readonly ToolOutcome[];
}

export function readConversation({ messages, tools }: DemoRequest): DemoConversation {
  const asked = messages.findLastIndex((message) => message.role === 'user');
  const turn = messages.slice(asked + 1);
  const said = messages.filter((message) => message.role === 'user').map((message) => textOf(message.content));
  const results = new Map(turn.map((message) => [message.tool_call_id, textOf(message.content)]));
  const hops = turn.filter((message) => message.tool_calls !== undefined && message.tool_calls.length > 0);
  return {
    question: said.at(-1) ?? '',
    earlier: said.slice(0, -1),
    tools: tools.map(({ function: { name, description, parameters } }) => ({
      name,
      description,
      parameters: Object.keys(parameters.properties),
    })),
    hopsDone: hops.length,
    outcomes: hops
      .flatMap((message) => message.tool_calls ?? [])
      .map((call) => ({ ...call.function, result: results.get(call.id) ?? '' })),
  };
}

function textOf(value: z.infer<typeof content>): string {
  if (typeof value === 'string') return value;
  return (value ?? []).map((part) => part.text ?? '').join('\n');
}
