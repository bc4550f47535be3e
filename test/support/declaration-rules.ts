/**
 * Judges declarations of tools by the public rules of three APIs, as strictly as the APIs do: one refused declaration fails the
 * whole request. Pure.
 */
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import { isObject } from '../../src/json.ts';

type Schema = Record<string, unknown>;

/** A tool as a request declares it. */
export interface Declaration {
  name: string;
  description: string;
  parameters: Schema;
}

export const APIS = ['OpenAI', 'Anthropic', 'Gemini'] as const;
export type Api = (typeof APIS)[number];

interface Rules {
  name: RegExp;
  /** Returns what is wrong with the schema at `path`, which is empty at the top. Null if nothing is. */
  refuses(schema: Schema, path: readonly string[]): string | null;
}

/** The fields of `Schema` in the reference of the Gemini API. */
const GEMINI_KEYS = new Set(
  'type format title description nullable enum items minItems maxItems properties required minProperties maxProperties minLength maxLength pattern example anyOf propertyOrdering default minimum maximum'.split(
    ' ',
  ),
);
const GEMINI_FORMATS = ['date-time', 'enum', 'float', 'double', 'int32', 'int64'];

const hasAny = (schema: Schema, keys: readonly string[]) => keys.find((key) => key in schema);

/**
 * OpenAI: the reference of chat completions (names) and the errors `invalid_function_parameters` and
 * `string_above_max_length`. Anthropic: the reference of the Messages API and its errors about `input_schema`. Gemini: the
 * reference of `FunctionDeclaration` and `Schema`.
 */
const rules: Record<Api, Rules> = {
  OpenAI: {
    name: /^[a-zA-Z0-9_-]{1,64}$/,
    refuses(schema, path) {
      if (path.length === 0) {
        if (schema['type'] !== 'object') return 'is no object';
        if (!isObject(schema['properties'])) return 'is an object without properties';
        const key = hasAny(schema, ['oneOf', 'anyOf', 'allOf', 'enum', 'not']);
        if (key !== undefined) return `has ${key} at the top`;
      }
      return schema['type'] === 'array' && schema['items'] === undefined ? 'is an array without items' : null;
    },
  },
  Anthropic: {
    name: /^[a-zA-Z0-9_-]{1,64}$/,
    refuses(schema, path) {
      if (path.length === 0) {
        if (schema['type'] !== 'object') return 'is no object';
        const key = hasAny(schema, ['oneOf', 'anyOf', 'allOf']);
        if (key !== undefined) return `has ${key} at the top`;
      }
      const name = Object.keys(propertiesOf(schema)).find((each) => !/^[a-zA-Z0-9_.-]{1,64}$/.test(each));
      return name === undefined ? null : `has a property ${name}`;
    },
  },
  Gemini: {
    name: /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/,
    refuses(schema) {
      const { type, enum: values, required, items, format, anyOf } = schema;
      const key = Object.keys(schema).find((each) => !GEMINI_KEYS.has(each));
      if (key !== undefined) return `has the unknown key ${key}`;
      if (type === undefined ? anyOf === undefined : typeof type !== 'string') return 'has no single type';
      if (type === 'null') return 'has the type null';
      if (type === 'array' && !isObject(items)) return 'is an array without items';
      if (format !== undefined && !GEMINI_FORMATS.includes(String(format))) return `has the format ${String(format)}`;
      if (
        Array.isArray(values) &&
        (type !== 'string' || values.some((each) => typeof each !== 'string' || each === ''))
      )
        return 'has an enum of other values than texts';
      const missing = Array.isArray(required)
        ? required.find((name) => !Object.hasOwn(propertiesOf(schema), String(name)))
        : undefined;
      return missing === undefined ? null : `requires ${String(missing)}, which is no property`;
    },
  },
};

const MAX_DESCRIPTION = 1_024;
export const MAX_TOOLS = 128;

/** Returns the names of the tools that the API refuses, each with the reason. */
export function refusedBy(api: Api, tools: readonly Declaration[]): string[] {
  return tools.flatMap(({ name, description, parameters }) => {
    const reason = !rules[api].name.test(name)
      ? 'has a name that it does not take'
      : api === 'OpenAI' && description.length > MAX_DESCRIPTION
        ? `has a description of ${description.length} characters`
        : refusal(rules[api], parameters, []);
    return reason === null ? [] : [`${name} ${reason}`];
  });
}

function refusal(api: Rules, schema: Schema, path: readonly string[]): string | null {
  const refused = api.refuses(schema, path);
  if (refused !== null) return path.length === 0 ? refused : `${refused} at ${path.join('.')}`;
  const below: [string, unknown][] = [
    ...Object.entries(propertiesOf(schema)),
    ['[]', schema['items']],
    ...(['anyOf', 'oneOf', 'allOf'] as const).flatMap((key) => {
      const list = schema[key];
      return Array.isArray(list) ? list.map((each: unknown): [string, unknown] => [key, each]) : [];
    }),
  ];
  for (const [name, inner] of below) {
    const found = isObject(inner) ? refusal(api, inner, [...path, name]) : null;
    if (found !== null) return found;
  }
  return null;
}

function propertiesOf({ properties }: Schema): Schema {
  return isObject(properties) ? properties : {};
}

/** A declaration of a request, for the rules. */
export function asDeclared(tool: ChatCompletionTool): Declaration {
  if (tool.type !== 'function') throw new Error('a tool that is no function');
  const { name, description = '', parameters = {} } = tool.function;
  return { name, description, parameters };
}
