/**
 * Runs the commands of the README, the tutorials and the how-to guides as they are printed there, in a copy of the project,
 * and compares the output that a page shows. Checks every configuration that a page shows. docs/explanation/testing.md
 * lists the marks for blocks that need a server, another program, or a machine of their own.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { loadConfig } from '../../src/config/load.ts';
import { loadServers } from '../../src/mcp/config/servers-config.ts';
import { blocksOf, printsAsShown, type Block } from './page-blocks.ts';
import { copyProject, type ProjectCopy } from './project-copy.ts';

const project = join(import.meta.dirname, '..', '..');
const pages = ['README.md', ...globSync('docs/{tutorials,how-to}/*.md', { cwd: project }).sort()];
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
const find = (program: string) => FOLDERS.map((folder) => join(folder, program)).find((file) => existsSync(file));

let copy: ProjectCopy;
before(async () => {
  copy = await copyProject();
});
after(() => copy.remove());

/** Runs a block of commands and compares what it prints. */
async function runCommands({ text, mark, output }: Block): Promise<void> {
  let printed: string;
  let shown = output;
  if (mark?.kind === 'background') {
    printed = await copy.startInBackground(text, mark.until);
    // The log of a server comes before and after what the page shows.
    if (output !== null) shown = `...\n${output}\n...`;
  } else {
    const run = await copy.run(text);
    printed = run.output;
    assert.equal(run.code, mark?.kind === 'run' ? mark.exitCode : 0, printed);
  }
  if (shown === null) return;
  const general = copy.generalize(printed);
  if (!printsAsShown(general, shown)) assert.equal(general.trimEnd(), output, 'the page shows other output');
}

/** Checks a block of configuration. A variable and a placeholder of a page have a value. */
async function checkConfiguration({ language, text }: Block): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-snippet-'));
  const file = join(folder, `snippet.${language}`);
  const env = Object.fromEntries([...text.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => [name, 'value']));
  try {
    await writeFile(file, text.replaceAll(/(?<=sha256: "?)HASH/g, '0'.repeat(64)));
    if (language === 'yaml') await loadConfig({ file, env, cwd: folder, projectDirectory: project });
    else if (text.includes('"mcpServers"')) loadServers(file, env);
    else JSON.parse(text);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Programs that check a configuration of their own, by the language of its block. */
const checkers: Record<
  string,
  { program: string; check(file: string, text: string): { args: string[]; text: string } }
> = {
  nginx: {
    program: 'nginx',
    // The certificate of the page is not on this machine.
    check: (file, text) => ({
      args: ['-t', '-q', '-e', 'stderr', '-c', file],
      text: `pid ${file}.pid;\nevents {}\nhttp {\naccess_log off;\n${text.replaceAll(/^ *ssl_certificate.*\n/gm, '').replace('443 ssl', '127.0.0.1:44380')}\n}\n`,
    }),
  },
  caddyfile: {
    program: 'caddy',
    check: (file, text) => ({ args: ['validate', '--adapter', 'caddyfile', '--config', file], text }),
  },
  ini: {
    program: 'systemd-analyze',
    // The user and the folders of the page are not on this machine; the programs that it starts have to be.
    check: (file, text) => ({
      args: ['verify', '--man=no', file],
      text: text.replaceAll('/opt/parley', project).replaceAll(/^(?:User|Group)=.*\n/gm, ''),
    }),
  },
};

async function checkWithProgram(t: TestContext, { language, text }: Block): Promise<void> {
  const checker = checkers[language];
  assert.ok(checker, `no check for a block of ${language}`);
  const program = find(checker.program);
  if (program === undefined) return t.skip(`there is no ${checker.program} on this machine`);
  const folder = await mkdtemp(join(tmpdir(), 'parley-snippet-'));
  const file = join(folder, language === 'ini' ? 'parley.service' : 'snippet.conf');
  const { args, text: whole } = checker.check(file, text);
  try {
    await writeFile(file, whole);
    await promisify(execFile)(program, args, { cwd: folder, env: { ...process.env, HOME: folder } });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function check(t: TestContext, block: Block): Promise<void> | void {
  const { language, mark } = block;
  if (mark?.kind === 'skip') return t.skip(mark.reason);
  if (mark?.kind === 'run' && mark.needs !== null && find(mark.needs) === undefined)
    return t.skip(`there is no ${mark.needs} on this machine`);
  if (language === 'sh' || language === 'bash') return runCommands(block);
  if (mark?.kind === 'file' && mark.isWrong) return;
  if (language === 'yaml' || language === 'json') return checkConfiguration(block);
  if (mark?.kind === 'file') return;
  return checkWithProgram(t, block);
}

for (const page of pages) {
  describe(page, () => {
    after(() => copy.reset());
    for (const block of blocksOf(readFileSync(join(project, page), 'utf8'))) {
      const { language, text, line, mark } = block;
      const verb = language === 'sh' || language === 'bash' ? 'runs' : `has valid ${language}:`;
      it(`${verb} ${text.split('\n', 1)[0]} (line ${line})`, async (t) => {
        if (mark?.kind === 'file') await copy.write(mark.name, text);
        await check(t, block);
      });
    }
  });
}
