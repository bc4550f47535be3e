/**
 * Finds the tools that a provider's rejection of a request is about, so that one declaration does not fail every turn. Pure:
 * only rejections that name tools, their number or their declarations match.
 */
import { createHash } from 'node:crypto';
import { isObject } from '../../json.ts';
import type { Rejection, RequestBody } from './adapted-request.ts';

/** Identifies a declared tool with its schema: a changed declaration is tried again. */
export function declarationKey(tool: unknown): string {
  return createHash('sha256').update(JSON.stringify(tool)).digest('base64url').slice(0, 22);
}

/** The name in a declaration. Empty if it has none. */
export function nameOf(tool: unknown): string {
  const named = isObject(tool) ? tool['function'] : null;
  return isObject(named) && typeof named['name'] === 'string' ? named['name'] : '';
}

/** The body without these tools. */
export function withoutDeclarations(body: RequestBody, keys: readonly string[]): RequestBody {
  const tools: readonly unknown[] = toolsOf(body);
  const kept = tools.filter((tool) => !keys.includes(declarationKey(tool)));
  if (kept.length > 0) return kept.length === tools.length ? body : { ...body, tools: kept };
  const { tools: _tools, tool_choice: _choice, parallel_tool_calls: _parallel, ...others } = body;
  return others;
}

/** The tools of the request. Empty if it has none. */
export function toolsOf({ tools }: RequestBody): readonly unknown[] {
  return Array.isArray(tools) ? tools : [];
}

/** OpenAI's and others' words for a list that is too long. */
const tooMany =
  /array too long|too many (?:tools|functions)|(?:maximum|number) of (?:tools|functions)|at most \d+ (?:tools|functions)/i;

/** Words for declarations that are wrong, without a tool's name. */
const aboutDeclarations =
  /\b(?:tools?|functions?)\b.{0,40}\b(?:schemas?|parameters|declarations?|definitions?)\b|function_?declarations?\b|\binput_schema\b/i;

/**
 * The tools that the rejection names by index or name, or those beyond the number that it allows. Empty if it is about something
 * else, or names none.
 */
export function rejectedTools({ status, param, message }: Rejection, body: RequestBody): readonly unknown[] {
  const tools = toolsOf(body);
  if (tools.length === 0 || (status !== 400 && status !== 422)) return [];
  const said = `${param ?? ''} ${message}`;
  if (tooMany.test(said) && /\b(?:tools|functions)\b/.test(said)) return beyondLimit(tools, message);
  const indexes = indexesIn(said);
  return tools.filter((tool, index) => indexes.includes(index) || isNamed(nameOf(tool), message));
}

/** Whether the rejection is about the declarations of tools. It may name none of them. */
export function isAboutDeclarations({ status, param, message }: Rejection): boolean {
  return (status === 400 || status === 422) && (/^tools\b/.test(param ?? '') || aboutDeclarations.test(message));
}

/** `got 140` beside `maximum 128`: the limit is the largest number below the number of tools. */
function beyondLimit(tools: readonly unknown[], message: string): readonly unknown[] {
  const numbers = [...message.matchAll(/\d+/g)].map(([number]) => Number(number));
  const limits = numbers.filter((number) => number > 0 && number < tools.length);
  return limits.length === 0 ? tools : tools.slice(Math.max(...limits));
}

/**
 * `tools[3]`, `tools.3` (Anthropic), `tools -> 3` and `'tools', 3` (pydantic), `function_declarations[3]` (Gemini, whose
 * `tools[0]` holds them all).
 */
function indexesIn(text: string): number[] {
  const declarations = [...text.matchAll(/\bfunction_?declarations?\W{1,5}(\d+)/gi)];
  const found = declarations.length > 0 ? declarations : [...text.matchAll(/\b(?:tools|functions)\W{1,5}(\d+)\b/gi)];
  return found.map(([, index]) => Number(index));
}

/** In quotes beside a word for tools, or after such a word: names such as `search` occur in other sentences too. */
function isNamed(name: string, message: string): boolean {
  if (name === '' || !message.includes(name)) return false;
  const escaped = RegExp.escape(name);
  return (
    new RegExp(
      `\\b(?:function|tool|declaration)s?(?: (?:name|with name|named))?[\\s:]+["'\`]?${escaped}(?![\\w-])`,
      'i',
    ).test(message) ||
    new RegExp(`(?<![\\w-])${escaped}["'\`]? (?:function|tool)`, 'i').test(message) ||
    (/\b(?:function|tool|declaration|schema)/i.test(message) && new RegExp(`["'\`]${escaped}["'\`]`).test(message))
  );
}
