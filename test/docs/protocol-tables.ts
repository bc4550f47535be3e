/**
 * Writes the tables of docs/reference/protocol.md: each shape of the protocol's JSON Schema field by field, and the codes.
 * Its only own texts are the words for kinds of values.
 */
import { expectedAt, expectedConfig } from '../../src/config/expected.ts';
import { errorCodes, faultData, type ErrorEntry } from '../../src/error-codes.ts';
import { closeCodes } from '../../src/protocol/close-codes.ts';
import type { Schema } from './protocol-schema.ts';

type Definitions = Record<string, Schema>;

/** The tables, by the name of their placeholder in the page. */
export function protocolTables(definitions: Definitions): Record<string, string> {
  const named = (kind: string) =>
    Object.entries(definitions)
      .filter(([name]) => name.startsWith(`${kind}.`))
      .map(([name, schema]) => [name.slice(kind.length + 1), schema] as const);
  const payloadOf = (request: Schema) => propertiesOf(request).find(([name]) => name === 'payload')?.[1] ?? {};
  const resultOf = (action: string) => definitions[`result.${action}`];

  return {
    overview: table(
      ['action', 'payload', 'response'],
      named('request').map(([action, request]) => [
        `[\`${action}\`](#${action})`,
        names(payloadOf(request)),
        answerWords(resultOf(action)),
      ]),
    ),
    actions: named('request')
      .map(([action, request]) =>
        section(action, [
          payloadOf(request).description ?? '',
          fieldTable(payloadOf(request)),
          ...answer(resultOf(action)),
        ]),
      )
      .join('\n\n'),
    frames: named('frame')
      .map(([status, schema]) => section(status, [schema.description ?? '', fieldTable(schema)]))
      .join('\n\n'),
    chunks: named('chunk')
      .map(([type, schema]) => section(titles[type] ?? type, [schema.description ?? '', fieldTable(schema)]))
      .join('\n\n'),
    rows: fieldTable(definitions['log_event'] ?? {}),
    errors: table(
      ['code', 'retryable', 'cause', 'remedy', '`data`'],
      Object.entries<ErrorEntry>(errorCodes).map(errorRow),
    ),
    data: table(
      ['key of `data`', 'meaning'],
      Object.entries(faultData).map(([key, says]) => [`\`${key}\``, says]),
    ),
    closes: table(
      ['code', 'reason', 'reconnect'],
      Object.values(closeCodes).map(({ code, because, comeBack }) => [String(code), because, comeBack]),
    ),
    limits: table(['key', 'default', 'limits'], limitKeys.map(limitRow)),
  };
}

/** The definition `text` is for reasoning too. */
const titles: Record<string, string> = { text: 'text and reasoning' };

const limitKeys = [
  'chat.service.max_text_length',
  'chat.service.queue_length',
  'chat.service.max_live_conversations',
  'chat.websocket.max_message_size',
  'chat.websocket.max_json_depth',
  'chat.websocket.frames_per_second',
  'chat.websocket.frame_burst',
  'chat.websocket.max_bad_frames',
  'chat.websocket.max_buffered_bytes',
  'chat.websocket.max_connections',
  'chat.websocket.max_connections_per_address',
  'chat.websocket.max_connections_per_subject',
  'auth.verification_timeout',
  'auth.max_unverified_bytes',
];

function section(name: string, parts: string[]): string {
  return [`### ${name}`, ...parts.filter((part) => part !== '')].join('\n\n');
}

function answer(result: Schema | undefined): string[] {
  if (result === undefined) return ['The response is [its turn](#the-frames-of-a-turn).'];
  const fields = fieldTable(result);
  return [fields === '' ? 'The result is empty.' : `The result. ${result.description ?? ''}`.trim(), fields];
}

function answerWords(result: Schema | undefined): string {
  if (result === undefined) return 'the frames of its turn';
  return alternativesOf(result)
    .map(
      (alternative) =>
        `\`{${propertiesOf(alternative)
          .map(([name]) => name)
          .join(', ')}}\``,
    )
    .join(' or ');
}

function names(payload: Schema): string {
  return propertiesOf(payload)
    .map(([name]) => `\`${name}${isRequired(payload, name) ? '' : '?'}\``)
    .join(', ');
}

/** Empty for a schema without fields. */
function fieldTable(schema: Schema): string {
  const rows = alternativesOf(schema).flatMap((each) => fieldRows(each, ''));
  return rows.length === 0 ? '' : table(['field', 'type', 'meaning'], rows);
}

function fieldRows(schema: Schema, above: string): string[][] {
  return propertiesOf(schema).flatMap(([name, field]) => {
    const path = `${above}${name}`;
    const own = [`\`${path}${isRequired(schema, name) ? '' : '?'}\``, words(field), meaning(field)];
    return [
      own,
      ...alternativesOf(field).flatMap((each) =>
        isSchema(each.items) ? fieldRows(each.items, `${path}[].`) : fieldRows(each, `${path}.`),
      ),
    ];
  });
}

/** The schemas that a value may match. */
function alternativesOf(schema: Schema): Schema[] {
  return schema.anyOf?.filter(isSchema) ?? [schema];
}

function meaning({ description = '', default: absent }: Schema): string {
  return absent === undefined
    ? description
    : `${description} Default: \`${typeof absent === 'object' ? JSON.stringify(absent) : String(absent)}\`.`;
}

function words(field: Schema): string {
  if (field.$ref !== undefined) return referenceWords(field.$ref);
  if (field.const !== undefined) return `\`${String(field.const)}\``;
  if (field.enum) return field.enum.map((value) => `\`${String(value)}\``).join(', ');
  const alternatives = (field.anyOf ?? field.oneOf ?? []).filter(isSchema);
  if (alternatives.length > 0) return [...new Set(alternatives.map(words))].join(' or ');
  // A nullable value has two types.
  const types: string[] = [field.type ?? []].flat();
  return types.map((type) => typeWords(type, field)).join(' or ');
}

function typeWords(type: string, field: Schema): string {
  switch (type) {
    case 'string':
      return field.pattern === undefined ? `text${lengthWords(field)}` : 'an id';
    case 'integer':
      return `whole number${boundWords(field)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return isSchema(field.items) ? `list, each ${words(field.items)}` : 'list';
    default:
      return type;
  }
}

function referenceWords(reference: string): string {
  if (reference.endsWith('/log_event')) return '[a row](#rows)';
  return reference.includes('/result.') ? "[the action's result](#actions)" : '[a chunk](#chunks)';
}

function lengthWords({ minLength, maxLength }: Schema): string {
  return maxLength === undefined ? '' : ` of ${minLength ?? 0} to ${maxLength} UTF-16 units`;
}

function boundWords({ minimum, maximum }: Schema): string {
  if (maximum !== undefined) return ` from ${minimum ?? 0} to ${maximum}`;
  return minimum === undefined ? '' : ` from ${minimum}`;
}

function errorRow([code, { retryable, cause, remedy, data = [] }]: [string, ErrorEntry]): string[] {
  return [`\`${code}\``, retryable ? 'yes' : 'no', cause, remedy, data.map((key) => `\`${key}\``).join(', ')];
}

function limitRow(key: string): string[] {
  const stated = expectedAt(expectedConfig(), key.split('.'));
  return [`\`${key}\``, `${String(stated?.default)} ${String(stated?.['unit'] ?? '')}`, stated?.description ?? ''];
}

function propertiesOf(schema: Schema): [string, Schema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]): [string, Schema][] =>
    isSchema(field) ? [[name, field]] : [],
  );
}

function isRequired(schema: Schema, name: string): boolean {
  return schema.required?.includes(name) === true;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
