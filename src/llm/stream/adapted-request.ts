/**
 * Changes a request body that a provider has rejected because its model does not support a parameter or tools. Pure: the
 * first matching rule decides, and only rejections that name the cause match.
 */
import { APIError } from 'openai/error';
import { isObject, ownValue, textOf } from '../../json.ts';
import { MAX_READ_CHARS } from './provider-error.ts';
import { declarationKey, isAboutDeclarations, rejectedTools, toolsOf, withoutDeclarations } from './rejected-tools.ts';
import { withoutImages } from '../message-images.ts';
import { refusedImages } from './rejected-images.ts';

/** The body of a request for an answer. */
export type RequestBody = Readonly<Record<string, unknown>>;

/** A parameter, and the value to send for it. Undefined: it is not sent. */
export interface Change {
  parameter: string;
  value?: unknown;
  /** Send the value of `parameter` under this name, and `parameter` not at all. */
  renamedTo?: string;
  /** For this request alone. */
  onlyOnce?: boolean;
  /** Only for requests with tools. */
  onlyWithTools?: boolean;
  /** With `tools`: only these are left out, by the keys of their declarations. Without it: all tools. */
  declarations?: readonly string[];
}

/** A rejected request. */
export interface Rejection {
  status: number;
  /** The parameter that the error body names as the cause. Null if none. */
  param: string | null;
  message: string;
}

/** Null for an error that is no HTTP response. `neutralName`: of a parameter that the error names in the words of its API. */
export function readRejection(error: unknown, neutralName: (parameter: string) => string): Rejection | null {
  if (!(error instanceof APIError) || error.status === undefined) return null;
  const body: unknown = error.error;
  const param = isObject(body) ? textOf(body['param']) : null;
  return {
    status: error.status,
    param: param && neutralName(param.slice(0, MAX_READ_CHARS)),
    message: error.message.slice(0, MAX_READ_CHARS),
  };
}

/**
 * The change that lets the provider accept the body. Null if no rule matches, or if `earlier` has a change of that parameter
 * already. Tools can be left out again and again: each time there are fewer.
 */
export function changeFor(rejection: Rejection, body: RequestBody, earlier: readonly Change[]): Change | null {
  const named = rejectedTools(rejection, body);
  if (named.length > 0) return withoutTools(named);
  const change =
    demandedValue(rejection, body) ??
    lowerLimit(rejection) ??
    unsupportedParameter(rejection, body) ??
    unnamedParameter(rejection, body) ??
    refusedTools(rejection, body) ??
    refusedImages(rejection, body);
  if (change !== null)
    return earlier.some(({ parameter, declarations }) => parameter === change.parameter && declarations === undefined)
      ? null
      : change;
  return isAboutDeclarations(rejection) && hasTools(body) ? withoutTools(toolsOf(body)) : null;
}

function withoutTools(tools: readonly unknown[]): Change {
  return { parameter: 'tools', declarations: tools.map(declarationKey) };
}

/** The body with the changes that apply to it. */
export function withChanges(body: RequestBody, changes: readonly Change[]): RequestBody {
  return changes.reduce((before, change) => withChange(before, change), body);
}

function withChange(
  body: RequestBody,
  { parameter, value, renamedTo, onlyWithTools, declarations }: Change,
): RequestBody {
  if (declarations !== undefined) return withoutDeclarations(body, new Set(declarations));
  if (onlyWithTools && !hasTools(body)) return body;
  if (parameter === 'images') return withoutImages(body);
  if (parameter === 'tools') return omit(body, ['tools', 'tool_choice', 'parallel_tool_calls']);
  if (renamedTo !== undefined && ownValue(body, parameter) !== undefined)
    return { [renamedTo]: body[parameter], ...omit(body, [parameter]) };
  return value === undefined ? omit(body, [parameter]) : { ...body, [parameter]: value };
}

function omit(body: RequestBody, names: readonly string[]): RequestBody {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}

/** True if the request offers a tool. */
export function hasTools({ tools }: RequestBody): boolean {
  return Array.isArray(tools) && tools.length > 0;
}

/**
 * The parameters that may be left out: they change how the model writes, not what an operator must be sure of. Limits of the
 * length, privacy (`store`) and routing (`provider`) are not among them.
 */
const optional = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'presence_penalty',
  'frequency_penalty',
  'repetition_penalty',
  'seed',
  'stop',
  'logprobs',
  'top_logprobs',
  'logit_bias',
  'reasoning_effort',
  'reasoning',
  'thinking',
  'verbosity',
  'stream_options',
  'parallel_tool_calls',
  'tool_choice',
  'cache_control',
];

/** The two names of the limit of the length: models accept only one of them. */
const otherNames: Readonly<Record<string, string>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
};

const unsupported =
  /unsupported|not enabled|(?:not|n't) (?:support|permitted|allowed)|(?:not|n't) (?:yet )?supported|unrecognized|unknown (?:parameter|name|field|argument)|unexpected (?:keyword|parameter|field|property)|extra (?:inputs|fields)|deprecated|cannot both be|must be one of/i;

/** GPT-5.6 accepts tools in chat completions only without reasoning, also if the request has no `reasoning_effort`. */
function demandedValue({ status, message }: Rejection, body: RequestBody): Change | null {
  const value = /\bset [`'"]?reasoning_effort[`'"]? to [`'"](\w{1,20})[`'"]/i.exec(message)?.[1];
  if (!isAboutTheBody(status) || value === undefined || body['reasoning_effort'] === value) return null;
  return { parameter: 'reasoning_effort', value, onlyWithTools: hasTools(body) && /\btools?\b/i.test(message) };
}

/**
 * Rejections that do not name the parameter: of the Responses API for models without reasoning and for accounts that are
 * not verified, of the Messages API for a turn whose calls another model began without thinking.
 */
function unnamedParameter({ status, message }: Rejection, body: RequestBody): Change | null {
  if (!isAboutTheBody(status)) return null;
  const has = (name: string) => ownValue(body, name) !== undefined;
  if (has('include') && /encrypted content is not supported/i.test(message)) return { parameter: 'include' };
  if (has('reasoning') && /verified to generate reasoning summar/i.test(message)) return { parameter: 'reasoning' };
  if (has('reasoning_effort') && unsupported.test(message) && /\beffort\b/i.test(message))
    return { parameter: 'reasoning_effort' };
  return /expected [`'"]?thinking[`'"]? or [`'"]?redacted_thinking/i.test(message)
    ? { parameter: 'thinking', value: { type: 'disabled' }, onlyOnce: true }
    : null;
}

/** Anthropic names the longest answer of a model. */
function lowerLimit({ status, message }: Rejection): Change | null {
  const value = Number(/\bmax_tokens: \d{1,9} > (\d{1,9}), which is the maximum allowed/.exec(message)?.[1] ?? 0);
  return isAboutTheBody(status) && value > 0 ? { parameter: 'max_tokens', value } : null;
}

function unsupportedParameter({ status, param, message }: Rejection, body: RequestBody): Change | null {
  if (!isAboutTheBody(status) || !unsupported.test(message)) return null;
  const candidates = [...optional, ...Object.keys(otherNames)].filter((name) => ownValue(body, name) !== undefined);
  // `reasoning.effort` is a part of `reasoning`.
  const parameter = candidates.find((name) => name === param?.split('.')[0]) ?? firstNamed(candidates, message);
  if (parameter === null) return null;
  const renamedTo = ownValue(otherNames, parameter);
  return renamedTo === undefined ? { parameter } : { parameter, renamedTo };
}

/** The candidate that the message names first. Words such as `stop` count only in quotes or where a name stands. */
function firstNamed(candidates: readonly string[], message: string): string | null {
  const places = candidates
    .map((name) => {
      // xAI writes `presencePenalty`.
      const written = name.replaceAll('_', '_?');
      const place = new RegExp(
        [
          `[\`'"]${written}(?:\\.[\\w.]{1,40})?[\`'"]`,
          `(?:parameters?|arguments?|supplied|field|keyword|model):? (?:[\\w.]{1,40}, ){0,9}${written}\\b`,
          `(?:^\\d* ?|\\n)${written}\\b`,
          `\\b${written}(?:: | (?:parameter|argument|field)\\b)`,
        ].join('|'),
        'i',
      ).exec(message);
      return { name, at: place?.index ?? -1 };
    })
    .filter(({ at }) => at >= 0)
    .toSorted((one, other) => one.at - other.at);
  if (places[0]) return places[0].name;
  // Gemini names neither of them.
  const penalty = candidates.find((name) => /^(?:frequency|presence)_penalty$/.test(name));
  if (penalty !== undefined && /\bpenalty is not (?:enabled|supported)/i.test(message)) return penalty;
  // Ollama's name for `reasoning_effort`.
  return candidates.includes('reasoning_effort') && /does not support thinking/i.test(message)
    ? 'reasoning_effort'
    : null;
}

/** Messages of Ollama, vLLM, Groq, DeepSeek, OpenRouter (404) and llama.cpp (500). */
const toolsRefused =
  /(?:not|n't) support (?:the )?(?:use of )?[`'"]?(?:tools?|function[ _-]?call(?:s|ing)?|tool[ _-]?(?:use|calls?|calling))\b(?! (?:of|with|named)\b)|\b(?:tools?|tool[ _-](?:use|calls?|calling)|function[ _-]calling)\b[`'"]? (?:is|are) (?:not (?:yet )?(?:supported|enabled|available)|unsupported)|no endpoints found that support tool use|requires --enable-auto-tool-choice|tools param requires --jinja/i;

function refusedTools({ status, param, message }: Rejection, body: RequestBody): Change | null {
  if (!hasTools(body) || !(isAboutTheBody(status) || status === 404 || status === 500)) return null;
  const isParameter = param === 'tools' || /\bparameters?(?:\(s\))?:? [`'"]?tools\b/i.test(message);
  const named = isParameter && isAboutTheBody(status) && unsupported.test(message);
  return named || toolsRefused.test(message) ? { parameter: 'tools' } : null;
}

function isAboutTheBody(status: number): boolean {
  return status === 400 || status === 422;
}
