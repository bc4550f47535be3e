/**
 * Changes a request body that a provider has rejected because its model does not support a parameter or tools. Pure: the
 * first matching rule decides, and only rejections that name the cause match.
 */
import { APIError } from 'openai';
import { isObject, ownValue, textOf } from '../../json.ts';
import { declarationKey, isAboutDeclarations, rejectedTools, toolsOf, withoutDeclarations } from './rejected-tools.ts';
import { bodyWithoutImages } from '../message-images.ts';
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

/** Null for an error that is no HTTP response. */
export function readRejection(error: unknown): Rejection | null {
  if (!(error instanceof APIError) || error.status === undefined) return null;
  const body: unknown = error.error;
  return { status: error.status, param: isObject(body) ? textOf(body['param']) : null, message: error.message };
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
    unsupportedParameter(rejection, body) ??
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
  if (declarations !== undefined) return withoutDeclarations(body, declarations);
  if (onlyWithTools && !hasTools(body)) return body;
  if (parameter === 'images') return bodyWithoutImages(body);
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
];

/** The two names of the limit of the length: models accept only one of them. */
const otherNames: Readonly<Record<string, string>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
};

const unsupported =
  /unsupported|(?:not|n't) (?:support|permitted|allowed)|(?:not|n't) (?:yet )?supported|unrecognized|unknown (?:parameter|name|field|argument)|unexpected (?:keyword|parameter|field|property)|extra (?:inputs|fields)|deprecated|cannot both be/i;

/** GPT-5.6 accepts tools in chat completions only without reasoning, also if the request has no `reasoning_effort`. */
function demandedValue({ status, message }: Rejection, body: RequestBody): Change | null {
  const value = /\bset [`'"]?reasoning_effort[`'"]? to [`'"](\w{1,20})[`'"]/i.exec(message)?.[1];
  if (!isAboutTheBody(status) || value === undefined || body['reasoning_effort'] === value) return null;
  return { parameter: 'reasoning_effort', value, onlyWithTools: hasTools(body) && /\btools?\b/i.test(message) };
}

function unsupportedParameter({ status, param, message }: Rejection, body: RequestBody): Change | null {
  if (!isAboutTheBody(status) || !unsupported.test(message)) return null;
  const candidates = [...optional, ...Object.keys(otherNames)].filter((name) => ownValue(body, name) !== undefined);
  const parameter = candidates.find((name) => name === param) ?? firstNamed(candidates, message);
  if (parameter === null) return null;
  const renamedTo = ownValue(otherNames, parameter);
  return renamedTo === undefined ? { parameter } : { parameter, renamedTo };
}

/** The candidate that the message names first. Words such as `stop` count only in quotes or where a name stands. */
function firstNamed(candidates: readonly string[], message: string): string | null {
  const places = candidates
    .map((name) => {
      const place = new RegExp(
        `[\`'"]${name}[\`'"]|(?:parameters?|argument|supplied|field|keyword):? ${name}\\b|(?:^\\d* ?|\\n)${name}\\b|\\b${name}: `,
        'i',
      ).exec(message);
      return { name, at: place?.index ?? -1 };
    })
    .filter(({ at }) => at >= 0)
    .toSorted((one, other) => one.at - other.at);
  if (places[0]) return places[0].name;
  // Ollama's name for `reasoning_effort`.
  return candidates.includes('reasoning_effort') && /does not support thinking/i.test(message)
    ? 'reasoning_effort'
    : null;
}

/** Messages of Ollama, vLLM, Groq, DeepSeek, OpenRouter (404) and llama.cpp (500). */
const toolsRefused =
  /(?:not|n't) support (?:the )?(?:use of )?[`'"]?(?:tools?|function[ -]?call(?:s|ing)?|tool[ -]?(?:use|calls?|calling))\b(?! (?:of|with|named)\b)|\b(?:tools?|tool[ _-](?:use|calls?|calling)|function[ -]calling)\b[`'"]? (?:is|are) (?:not (?:yet )?supported|unsupported)|no endpoints found that support tool use|requires --enable-auto-tool-choice|tools param requires --jinja/i;

function refusedTools({ status, param, message }: Rejection, body: RequestBody): Change | null {
  if (!hasTools(body) || !(isAboutTheBody(status) || status === 404 || status === 500)) return null;
  const named = param === 'tools' && isAboutTheBody(status) && unsupported.test(message);
  return named || toolsRefused.test(message) ? { parameter: 'tools' } : null;
}

function isAboutTheBody(status: number): boolean {
  return status === 400 || status === 422;
}
