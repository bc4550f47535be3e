/**
 * Writes docs/reference/configuration.md and config/config.yaml from the schema. Run it after a change of
 * the schema: node test/docs/configuration.ts. A test fails while either is out of date.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeAllowed, expectedAt, expectedConfig, keysOf } from '../../src/config/expected.ts';
import type { Expected } from '../../src/config/expected.ts';
import { loadConfig } from '../../src/config/load.ts';
import { needsRestart } from '../../src/config/restart-keys.ts';
import { azureKeys, blockKeys, configurationFile } from './configuration-file.ts';

const project = join(import.meta.dirname, '..', '..');

/** The generated files: path within the project, and the text that belongs there. */
export async function generatedFiles(): Promise<{ path: string; text: string }[]> {
  return [
    { path: 'config/config.yaml', text: configurationFile() },
    { path: 'docs/reference/configuration.md', text: await configurationPage() },
  ];
}

const rules = `# Configuration

<!-- Written by test/docs/configuration.ts from src/config/schema/schema.ts. Change those, not this. -->

Parley starts without any configuration. A YAML file of your own has only the keys that differ:

\`\`\`yaml
llm:
  active: local
  providers:
    local:
      base_url: http://localhost:8080/v1   # no api_key_env: needs no key
      model: qwen3
chat:
  websocket:
    port: 9000
repository:
  path: \${DATA_DIR:-.}/chats.db
\`\`\`

\`./run.sh --config FILE\` reads it, or \`PARLEY_CONFIG=FILE ./run.sh\`; without either,
[config/config.yaml](../../config/config.yaml) is read, which has every key at its default.

- **Units.** Durations are seconds unless the key ends in \`_ms\`; sizes are bytes.
- **Environment.** \`\${NAME}\` in a value stands for that variable. \`\${NAME:-default}\` has a
  default for an empty or unset variable. \`$\${\` stands for the two characters. An unset variable without
  a default is an error. Without quotes, the value of a variable may be a number, \`true\` or
  \`false\`; in quotes it is text. Within \`[ ]\` and \`{ }\` a value with a variable needs quotes.
- **Paths.** A relative path starts from the folder of its file. The defaults, and
  the paths in config/config.yaml, start from the project's folder. Paths on the command
  line or in a variable (\`--config\`, \`PARLEY_CONFIG\`, \`PARLEY_SERVERS_CONFIG\`) start from the current one.
- **Secrets.** API keys are in the environment only: \`api_key_env\` names the variable.
- **Reload.** SIGHUP makes a running server read the files again
  ([how to reload](../how-to/reload.md)). A key marked *restart* keeps its value until then;
  every other key is reloaded.
- **\`--port N\`** takes precedence over \`chat.websocket.port\`.

## A wrong file

The server does not start, and lists all problems at once. This file`;

async function configurationPage(): Promise<string> {
  const root = expectedConfig();
  const sections = keysOf(root).flatMap(([key, section]) => {
    if (key === 'llm') return [table(key, section), providersTable(section)];
    return key === 'chat'
      ? keysOf(section).map(([below, part]) => table(`${key}.${below}`, part))
      : [table(key, section)];
  });
  return `${[rules, await wrongFile(), '## Every key', ...sections].join('\n\n')}\n`;
}

/** What a start really prints, so that the page cannot promise better. */
async function wrongFile(): Promise<string> {
  const cwd = join(project, 'test', 'config', 'files');
  const refusal = await loadConfig({ file: 'wrong.yaml', env: {}, cwd, projectDirectory: project }).then(
    () => 'nothing',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const text = await readFile(join(cwd, 'wrong.yaml'), 'utf8');
  return `\`\`\`yaml\n${text}\`\`\`\n\nresults in\n\n\`\`\`text\n${refusal}\n\`\`\``;
}

function table(name: string, section: Expected): string {
  const rows = leaves(section).map(([key, expected]) =>
    row(key, JSON.stringify(expected.default), expected, needsRestart(`${name}.${key}`.split('.'))),
  );
  return [`### ${name}`, '', section.description ?? '', '', ...header, ...rows].join('\n');
}

const header = ['| Key | Default | Allowed | Reload | What it does |', '|---|---|---|---|---|'];

/** Keys that hold a value, under their path within the section. */
function leaves(section: Expected, above = ''): [string, Expected][] {
  return keysOf(section).flatMap(([key, expected]): [string, Expected][] => {
    if (key === 'providers') return [];
    return expected.properties ? leaves(expected, `${above}${key}.`) : [[`${above}${key}`, expected]];
  });
}

function row(key: string, stated: string | undefined, expected: Expected, restart = false): string {
  const standing = stated === undefined ? '' : `\`${stated}\``;
  const cells = [
    `\`${key}\``,
    standing,
    describeAllowed(expected),
    restart ? '*restart*' : 'yes',
    expected.description ?? '',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function providersTable(llm: Expected): string {
  const providers = expectedAt(llm, ['providers']) ?? {};
  const known = keysOf(providers).map(([name, block]) => {
    const at = (key: string) => {
      const stated = expectedAt(block, [key])?.default;
      return typeof stated === 'string' ? `\`${stated}\`` : '';
    };
    return `| \`${name}\` | ${at('base_url')} | ${at('api_key_env')} | ${at('model')} |`;
  });
  return [
    '### llm.providers',
    '',
    `${providers.description} A block of a known name needs to state only what differs.`,
    '',
    '| Known | `base_url` | `api_key_env` | `model` |',
    '|---|---|---|---|',
    ...known,
    '',
    ...header,
    ...blockKeys(providers).map(([key, expected]) => row(key, undefined, expected)),
    ...azureKeys(providers).map(([key, expected]) => row(key, undefined, expected)),
    '',
    'More about them, and what Parley does if one fails: [providers](providers.md).',
  ].join('\n');
}

if (import.meta.main) {
  for (const { path, text } of await generatedFiles()) await writeFile(join(project, path), text);
}
