/**
 * Checks a chat history by the rules of strict providers, so that a test fails where a real endpoint would answer 400.
 * It is independent of Parley's code.
 */
import { z } from 'zod';

const toolCall = z.looseObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});

const message = z.looseObject({
  role: z.string(),
  /** Text, or a list of parts. */
  content: z.union([z.string(), z.array(z.unknown())]).nullish(),
  tool_calls: z.array(toolCall).optional(),
  tool_call_id: z.string().optional(),
});

/** The fields of a chat completion request that tests read. */
export const requestBody = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  messages: z.array(message),
  tools: z
    .array(
      z.looseObject({
        type: z.literal('function'),
        function: z.looseObject({
          name: z.string(),
          description: z.string().optional(),
          parameters: z.record(z.string(), z.unknown()).optional(),
        }),
      }),
    )
    .optional(),
});

export type RequestBody = z.infer<typeof requestBody>;
export type HistoryMessage = z.infer<typeof message>;

/** Function names as OpenAI and Anthropic allow them. */
const functionName = /^[a-zA-Z0-9_-]{1,64}$/;

/** Every rule that `body` breaks, as sentences; empty for a history that every provider accepts. */
export function historyViolations(body: RequestBody): string[] {
  const violations = toolViolations(body);
  /** Calls of the last assistant message without a result so far. */
  const open = new Set<string>();
  const seen = new Set<string>();
  let spoken = false;

  body.messages.forEach((message, at) => {
    const here = `messages[${at}] (${message.role})`;
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id ?? ''))
        violations.push(`${here} answers no open call: ${message.tool_call_id}`);
      if (typeof message.content !== 'string') violations.push(`${here} has no text`);
      return;
    }
    if (open.size > 0) {
      violations.push(`${here} comes before the results of ${[...open].join(', ')}`);
      open.clear();
    }
    if (message.role === 'system') {
      if (spoken) violations.push(`${here} comes after the conversation began`);
    } else if (message.role === 'user' || message.role === 'assistant') {
      if (!spoken && message.role === 'assistant') violations.push(`${here} opens the conversation`);
      spoken = true;
    } else {
      violations.push(`${here} has an unknown role`);
    }
    if (isEmpty(message)) violations.push(`${here} is empty`);
    for (const call of message.tool_calls ?? []) {
      if (seen.has(call.id)) violations.push(`${here} repeats the call id ${call.id}`);
      seen.add(call.id);
      open.add(call.id);
      if (!functionName.test(call.function.name))
        violations.push(`${here} calls a tool by an illegal name: ${call.function.name}`);
      if (!isJsonObject(call.function.arguments))
        violations.push(`${here} has arguments that are no JSON object: ${call.function.arguments}`);
    }
  });

  if (open.size > 0) violations.push(`the history ends before the results of ${[...open].join(', ')}`);
  const last = body.messages.at(-1);
  if (last?.role !== 'user' && last?.role !== 'tool')
    violations.push('the history does not end with a user or tool message');
  return violations;
}

function toolViolations(body: RequestBody): string[] {
  const names = body.tools?.map((tool) => tool.function.name) ?? [];
  const problems = names
    .filter((name) => !functionName.test(name))
    .map((name) => `a tool is offered by an illegal name: ${name}`);
  if (body.tools?.length === 0) problems.push('`tools` is an empty array');
  if (new Set(names).size < names.length) problems.push(`two tools are offered by one name: ${names.join(', ')}`);
  return problems;
}

function isEmpty(message: HistoryMessage): boolean {
  if (message.role === 'assistant' && message.tool_calls) return message.tool_calls.length === 0;
  return message.content === null || message.content === undefined || message.content.length === 0;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
