/**
 * Writes config/config.yaml from the schema: every key with its reason, its unit or choices, and
 * its default. The texts are the schema's; only the head and the layout are decided here.
 */
import { stringify } from 'yaml';
import { expectedAt, expectedConfig, keysOf } from '../../src/config/expected.ts';
import type { Expected } from '../../src/config/expected.ts';

const width = 100;

const head = [
  'Every setting of Parley, at its default: this file changes nothing.',
  'Settings of your own are best kept in a file that names only what differs, for ./run.sh --config FILE or PARLEY_CONFIG=FILE. docs/reference/configuration.md has the rules.',
  '',
  "Durations are seconds unless the key ends in _ms; sizes are bytes. Relative paths in this file start from the project's folder, those in a file of your own from that file. ${NAME} and ${NAME:-default} in a value stand for environment variables; API keys belong into the environment only.",
];

/** The text of config/config.yaml. */
export function configurationFile(): string {
  const sections = keysOf(expectedConfig()).map(([key, section]) => entry(key, section, '').join('\n'));
  return `${[head.flatMap((paragraph) => comment(paragraph, '')).join('\n'), ...sections].join('\n\n')}\n`;
}

function entry(key: string, expected: Expected, indent: string): string[] {
  const said = comment(expected.description ?? '', indent);
  if (key === 'providers') {
    return [...said, ...providerKeys(expected, indent), `${indent}${key}:`, ...providers(expected, `${indent}  `)];
  }
  const keys = keysOf(expected);
  if (keys.length === 0) return [...said, `${indent}${key}: ${value(expected.default)}${note(key, expected)}`];
  const inner = keys.map(([name, below]) => entry(name, below, `${indent}  `).join('\n'));
  const spaced = keys.some(([, below]) => below.properties);
  return [...said, `${indent}${key}:`, inner.join(spaced ? '\n\n' : '\n')];
}

/** A block's keys are the same for all, so they are explained once, above the blocks. */
function providerKeys(expected: Expected, indent: string): string[] {
  return [...blockKeys(expected), ...azureKeys(expected)].flatMap(([key, { description }]) =>
    comment(`${key}: ${description}`, indent, '  '),
  );
}

function providers(expected: Expected, indent: string): string[] {
  return keysOf(expected).flatMap(([name, block]) => [
    `${indent}${name}:`,
    ...keysOf(block)
      .filter(([, key]) => key.default !== undefined)
      .map(([key, stated]) => `${indent}  ${key}: ${value(stated.default)}`),
  ]);
}

/** What a block of the user's own may state; a key without a description is there to be refused. */
export function blockKeys(expected: Expected): [string, Expected][] {
  return keysOf(expectedAt(expected, ['a name of its own']) ?? {}).filter(([, key]) => key.description !== undefined);
}

/** What a block of Azure's may state beside that. */
export function azureKeys(providers: Expected): [string, Expected][] {
  const everywhere = blockKeys(providers).map(([key]) => key);
  return keysOf(expectedAt(providers, ['azure']) ?? {}).filter(
    ([key, { description }]) => description !== undefined && !everywhere.includes(key),
  );
}

function value(stated: unknown): string {
  return Array.isArray(stated) ? JSON.stringify(stated) : stringify(stated, { lineWidth: 0 }).trim();
}

/** The unit, unless the key's name says it, or what there is to choose from. */
function note(key: string, expected: Expected): string {
  const unit = expected['unit'];
  const choices = expected.type === 'boolean' ? ['true', 'false'] : (expected.enum ?? []);
  if (unit === 'bytes') return `  # bytes (${Number(expected.default) / 2 ** 20} MiB)`;
  if (typeof unit === 'string') return key.endsWith(unit) ? '' : `  # ${unit}`;
  return choices.length > 1 ? `  # ${choices.join(' | ')}` : '';
}

/** `text` as lines of comment, broken at the width. */
function comment(text: string, indent: string, hanging = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && `${indent}# ${line} ${word}`.length > width) {
      lines.push(line);
      line = `${hanging}${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((written) => `${indent}# ${written}`.trimEnd());
}
