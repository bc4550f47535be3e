/**
 * Writes the parameters and tools of chat completions as those of the Responses API. Parameters that both APIs have under
 * one name, and unknown ones, pass unchanged.
 */
import { isObject, type JsonObject } from '../../../json.ts';
import type { RequestBody } from '../../stream/adapted-request.ts';

/** Parameters of chat completions without a counterpart. */
const DROPPED = new Set([
  'stream_options',
  'n',
  'logprobs',
  'logit_bias',
  'presence_penalty',
  'frequency_penalty',
  'seed',
  'stop',
]);

/** Names in errors of this API, by the neutral name of the same parameter. */
export const neutralNames: ReadonlyMap<string, string> = new Map([
  ['max_output_tokens', 'max_tokens'],
  ['reasoning.summary', 'reasoning'],
  ['reasoning.effort', 'reasoning_effort'],
  ['text.verbosity', 'verbosity'],
  ['text', 'verbosity'],
  ['text.format', 'response_format'],
]);

/** OpenAI's models with reasoning. Others reject its parameters. */
const REASONING_MODEL = /^(?:o\d|gpt-(?:[5-9]|\d\d))(?!.*chat)/;

/** Reasoning comes back encrypted, because nothing is stored there, and its summary is for people. */
export function defaultsFor(model: string, { reasoning_effort }: RequestBody): RequestBody {
  if (!REASONING_MODEL.test(model)) return {};
  return {
    include: ['reasoning.encrypted_content'],
    ...(reasoning_effort === 'none' ? {} : { reasoning: { summary: 'auto' } }),
  };
}

/** `settings`: the body without its messages. */
export function parametersOf(settings: RequestBody): Record<string, unknown> {
  const {
    max_tokens,
    max_completion_tokens,
    reasoning_effort,
    verbosity,
    response_format,
    tools,
    tool_choice,
    ...others
  } = settings;
  const limit = max_completion_tokens ?? max_tokens;
  const kept = Object.fromEntries(Object.entries(others).filter(([name]) => !DROPPED.has(name)));
  const text = {
    ...(isObject(others['text']) ? others['text'] : {}),
    ...(verbosity === undefined ? {} : { verbosity }),
    ...(response_format === undefined ? {} : { format: formatOf(response_format) }),
  };
  return {
    ...kept,
    ...(limit === undefined ? {} : { max_output_tokens: limit }),
    reasoning: reasoningOf(others['reasoning'], reasoning_effort),
    ...(Object.keys(text).length === 0 ? {} : { text }),
    ...(Array.isArray(tools) ? { tools: tools.map(toolOf) } : {}),
    ...(tool_choice === undefined ? {} : { tool_choice: choiceOf(tool_choice) }),
  };
}

/** Undefined if nothing is stated: a model without reasoning rejects the parameter. */
function reasoningOf(stated: unknown, effort: unknown): JsonObject | undefined {
  const reasoning = { ...(isObject(stated) ? stated : {}), ...(effort === undefined ? {} : { effort }) };
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

/** The schema stands beside its name here, and below `json_schema` there. */
function formatOf(format: unknown): unknown {
  if (!isObject(format) || !isObject(format['json_schema'])) return format;
  return { type: 'json_schema', ...format['json_schema'] };
}

/** `strict: false`: schemas of MCP servers are seldom within OpenAI's strict subset, and true is this API's default. */
function toolOf(tool: unknown): unknown {
  if (!isObject(tool) || !isObject(tool['function'])) return tool;
  return { type: 'function', strict: false, ...tool['function'] };
}

function choiceOf(choice: unknown): unknown {
  return isObject(choice) && isObject(choice['function'])
    ? { type: 'function', name: choice['function']['name'] }
    : choice;
}
