/**
 * Declares tools to a provider in the form that every API takes, and gives the model's calls their own names back. An address
 * does not show which API answers: gateways pass requests on. So there is one form for all (declared-schema.ts).
 */
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import { isObject, parseJson, type JsonObject } from '../../json.ts';
import { strictName } from '../strict-messages.ts';
import { declaredSchema } from './declared-schema.ts';
import { createPropertyNames, type PropertyNames } from './property-names.ts';

/** A call as the model wrote it. */
export interface WrittenCall {
  name: string;
  arguments: string;
}

/** The declarations of one request. */
export interface ToolDeclarations {
  tools: ChatCompletionTool[];
  /** The call with the tool's own name, and with the own names of its arguments. Unknown names stay. */
  restored(call: WrittenCall): WrittenCall;
}

/** `maxDescriptionChars`: a longer description is cut, in UTF-16 units. */
export function declareTools(tools: readonly ChatCompletionTool[], maxDescriptionChars: number): ToolDeclarations {
  const names = declaredNames(tools);
  const calls = new Map<string, { name: string; properties: PropertyNames }>();
  const declared = tools.map((tool): ChatCompletionTool => {
    if (tool.type !== 'function') return tool;
    const { name, description = '', parameters = {} } = tool.function;
    const { properties, schema } = convert(parameters);
    const declaredName = names.get(name) ?? name;
    calls.set(declaredName, { name, properties });
    return {
      type: 'function',
      function: {
        name: declaredName,
        // Amazon Bedrock refuses an empty one.
        ...(description === '' ? {} : { description: shortened(description, maxDescriptionChars) }),
        parameters: schema,
      },
    };
  });
  return {
    tools: declared,
    restored(call) {
      const known = calls.get(call.name);
      if (known === undefined) return call;
      const args = parseJson(call.arguments);
      const restored = isObject(args) ? known.properties.restored(args) : args;
      return { name: known.name, arguments: restored === args ? call.arguments : JSON.stringify(restored) };
    },
  };
}

/** The names that history uses too (strict-messages.ts). Two tools never share one. */
function declaredNames(tools: readonly ChatCompletionTool[]): ReadonlyMap<string, string> {
  const own = tools.flatMap((tool) => (tool.type === 'function' ? [tool.function.name] : []));
  const taken = new Set(own.filter((name) => strictName(name) === name));
  const declared = new Map<string, string>();
  for (const name of own.filter((each) => !taken.has(each))) {
    const strict = strictName(name);
    let free = strict;
    for (let number = 2; taken.has(free); number += 1) free = strictName(`${strict.slice(0, 58)}_${number}`);
    taken.add(free);
    declared.set(name, free);
  }
  return declared;
}

/** By the schema as it was offered: a list of tools stays the same object for many requests. */
const converted = new WeakMap<JsonObject, { properties: PropertyNames; schema: Record<string, unknown> }>();

function convert(parameters: JsonObject): { properties: PropertyNames; schema: Record<string, unknown> } {
  const known = converted.get(parameters);
  if (known !== undefined) return known;
  const properties = createPropertyNames(parameters);
  const made = { properties, schema: { ...declaredSchema(parameters, properties) } };
  converted.set(parameters, made);
  return made;
}

function shortened(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, Math.max(0, maxChars - 3)).toWellFormed()}...`;
}
