/**
 * Writes the parameters and tools of chat completions as those of the Messages API. Parameters that both APIs have under one
 * name, and unknown ones, pass unchanged.
 */
import { isObject, type JsonObject } from '../../../json.ts';
import type { RequestBody } from '../../stream/adapted-request.ts';

/** Parameters of chat completions without a counterpart. */
const DROPPED = new Set([
  'stream_options',
  'n',
  'logprobs',
  'top_logprobs',
  'logit_bias',
  'presence_penalty',
  'frequency_penalty',
  'seed',
  'verbosity',
]);

/** Names in errors of this API, by the neutral name of the same parameter. */
export const neutralNames: ReadonlyMap<string, string> = new Map([
  ['output_config.effort', 'reasoning_effort'],
  ['output_config', 'reasoning_effort'],
  ['output_config.format', 'response_format'],
  ['stop_sequences', 'stop'],
]);

/** `settings`: the body without its messages and its cache marker. */
export function parametersOf(settings: RequestBody): Record<string, unknown> {
  const {
    max_tokens,
    max_completion_tokens,
    reasoning_effort,
    thinking,
    response_format,
    stop,
    user,
    tools,
    tool_choice,
    parallel_tool_calls,
    ...others
  } = settings;
  const kept = Object.fromEntries(Object.entries(others).filter(([name]) => !DROPPED.has(name)));
  const output = {
    ...(isObject(others['output_config']) ? others['output_config'] : {}),
    ...effortOf(reasoning_effort),
    ...formatOf(response_format),
  };
  const choice = choiceOf(tool_choice, parallel_tool_calls);
  return {
    ...kept,
    max_tokens: max_completion_tokens ?? max_tokens,
    thinking: thinking ?? thinkingFor(reasoning_effort),
    ...(Object.keys(output).length === 0 ? {} : { output_config: output }),
    ...(stop === undefined || stop === null ? {} : { stop_sequences: [stop].flat() }),
    ...(typeof user === 'string' ? { metadata: { user_id: user } } : {}),
    ...(Array.isArray(tools) ? { tools: tools.map(toolOf), ...(choice === null ? {} : { tool_choice: choice }) } : {}),
  };
}

/** The efforts of this API: it has no `minimal`, and `none` means no thinking. */
function effortOf(effort: unknown): JsonObject {
  if (typeof effort !== 'string' || effort === 'none') return {};
  return { effort: effort === 'minimal' ? 'low' : effort };
}

/** Undefined without an effort: then the model's own default applies. */
function thinkingFor(effort: unknown): JsonObject | undefined {
  if (typeof effort !== 'string') return undefined;
  return effort === 'none' ? { type: 'disabled' } : { type: 'adaptive', display: 'summarized' };
}

/** A schema only: this API has no JSON without one. */
function formatOf(format: unknown): JsonObject {
  if (!isObject(format) || !isObject(format['json_schema'])) return {};
  return { format: { type: 'json_schema', schema: format['json_schema']['schema'] } };
}

function toolOf(tool: unknown): unknown {
  if (!isObject(tool) || !isObject(tool['function'])) return tool;
  const { name, description, parameters = { type: 'object' } } = tool['function'];
  return { name, ...(description === undefined ? {} : { description }), input_schema: parameters };
}

function choiceOf(choice: unknown, parallel: unknown): JsonObject | null {
  const known =
    choice === 'required'
      ? { type: 'any' }
      : choice === 'none'
        ? { type: 'none' }
        : choice === 'auto'
          ? { type: 'auto' }
          : null;
  const named =
    isObject(choice) && isObject(choice['function']) ? { type: 'tool', name: choice['function']['name'] } : known;
  if (parallel !== false || named?.type === 'none') return named;
  return { ...(named ?? { type: 'auto' }), disable_parallel_tool_use: true };
}
