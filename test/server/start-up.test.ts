/**
 * Checks starts that must fail: the real process prints the reason and the remedy, exits with 1, changes no file and
 * leaves no process.
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { sharedOut } from '../support/daily-sample.ts';
import { eventually } from '../support/eventually.ts';
import { descendants, processesMentioning } from '../support/processes.ts';
import { createTempHome, type TempHome, type TempHomeOptions } from '../support/temp-home.ts';
import { connectClient } from '../support/typed-client.ts';

/** An MCP server whose command line names the folder, so that its process can be found. */
const mcpServerIn = (folder: string) => ({
  demo: { command: 'node', args: [join(import.meta.dirname, '../support/mcp-stdio-server.ts'), folder] },
});

function createDatabase(path: string, pragma = ''): void {
  const database = new Database(path);
  database.exec(`CREATE TABLE bookmarks (url TEXT); ${pragma}`);
  database.close();
}

async function refused(home: TempHome, reason: RegExp, options: Parameters<TempHome['start']>[0] = {}): Promise<void> {
  writeFileSync(join(home.folder, 'servers.json'), JSON.stringify({ mcpServers: mcpServerIn(home.folder) }));
  const isFile = statSync(home.database, { throwIfNoEntry: false })?.isFile() === true;
  const before = isFile ? readFileSync(home.database) : null;

  const server = home.start(options);

  assert.deepEqual(await server.exited, { code: 1, signal: null });
  const { stdout, stderr } = server.output;
  assert.equal(stdout, '');
  assert.match(stderr, /^Parley cannot start\.\n/m);
  assert.match(stderr, reason);
  assert.doesNotMatch(stderr, /\n\s+at /, 'no stack is printed');
  if (before !== null) assert.deepEqual(readFileSync(home.database), before);
  await eventually(async () => (await processesMentioning(home.folder)).length === 0, 'the end of all it started');
}

describe('a start is refused', () => {
  const cases: { name: string; reason: RegExp; home?: TempHomeOptions; arrange?(home: TempHome): void }[] = [
    {
      name: 'when the folder of the database is missing',
      home: { config: { repository: { path: 'nowhere/events.db' } } },
      reason: /nowhere\/events\.db is in a folder that does not exist\. Create the folder/,
    },
    {
      name: 'when the database is a directory',
      arrange: ({ database }) => mkdirSync(database),
      reason: /events\.db is a directory\. Configure the path of a file/,
    },
    {
      name: 'when the file is no database',
      arrange: ({ database }) => writeFileSync(database, 'Dear diary, '.repeat(500)),
      reason: /is not a SQLite database\. .*not changed/,
    },
    {
      name: "when the database is another program's",
      arrange: ({ database }) => createDatabase(database),
      reason: /is a database of another program\. Configure another path/,
    },
    {
      name: 'when a newer version wrote the database',
      arrange: ({ database }) => createDatabase(database, 'PRAGMA user_version = 99'),
      reason: /newer version of Parley.*Start the newer version/,
    },
    {
      name: 'when the configuration is wrong',
      home: { config: { chat: { websocket: { prot: 1 } }, shutdown: { drain_timeout: 'long' } } },
      reason: /config\.yaml:1: .*prot.*did you mean.*port[^]*drain_timeout/,
    },
    {
      name: 'when the key of the chosen provider is missing',
      home: { config: { llm: { active: 'groq' } } },
      reason: /GROQ_API_KEY/,
    },
  ];
  const notToday = sharedOut(2);
  for (const [at, { name, reason, home: options, arrange }] of cases.entries()) {
    test(name, { skip: notToday(at) }, async (t) => {
      const home = await createTempHome(t, options);
      arrange?.(home);
      await refused(home, reason);
    });
  }

  test('when the database is damaged', async (t) => {
    const home = await createTempHome(t);
    const first = home.start();
    await connectClient(t, await first.listening).chat('Hi '.repeat(5000)).end;
    first.kill('SIGTERM');
    await first.exited;
    const bytes = readFileSync(home.database);
    bytes.fill(0xa5, 4096 * 2, 4096 * 6);
    writeFileSync(home.database, bytes);
    await refused(home, /is damaged\. Restore a backup.*sqlite3/);
  });

  test('when the database is locked by another program', async (t) => {
    const home = await createTempHome(t);
    const other = new Database(home.database);
    t.after(() => other.close());
    other.exec('CREATE TABLE chat_events (id TEXT); BEGIN EXCLUSIVE');
    // Not compared byte by byte: opening and closing a file releases the locks that this process has on it.
    const { mtimeMs } = statSync(home.database);
    const server = home.start();
    assert.deepEqual(await server.exited, { code: 1, signal: null });
    assert.match(server.output.stderr, /is locked by another program\. End that program/);
    assert.equal(statSync(home.database).mtimeMs, mtimeMs);
  });

  test('when another Parley serves the database, which continues undisturbed', async (t) => {
    const home = await createTempHome(t);
    const first = home.start();
    const client = connectClient(t, await first.listening);
    await client.whenStatus('open');
    const server = home.start();
    assert.deepEqual(await server.exited, { code: 1, signal: null });
    assert.match(server.output.stderr, /is served by another Parley process\. Stop that process/);
    await client.chat('Hi').end;
    assert.deepEqual(
      client.statuses.map(({ status }) => status),
      ['connecting', 'open'],
    );
  });

  test('when the port is taken, before the database is opened or changed', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const address = other.address();
    assert.ok(typeof address === 'object' && address);
    const home = await createTempHome(t, {
      config: {
        chat: { websocket: { port: address.port } },
        repository: { path: 'events.db', persistence: { clear_on_startup: true } },
      },
    });
    createDatabase(home.database);
    await refused(
      home,
      new RegExp(
        `Port ${address.port} on localhost is taken by another program\\. Stop that one, or choose another with --port`,
      ),
    );
    assert.equal(statSync(`${home.database}-lock`, { throwIfNoEntry: false }), undefined, 'the database is unchanged');
  });

  test(
    'when the database is not writable',
    { skip: process.geteuid?.() !== 0 && 'only root can start a process as another user' },
    async (t) => {
      const unprivilegedUid = 65_534;
      const home = await createTempHome(t);
      createDatabase(home.database);
      for (const file of [home.folder, home.database]) chownSync(file, 0, 0);
      chmodSync(home.folder, 0o755);
      chmodSync(home.database, 0o444);
      await refused(
        home,
        /(is read-only|cannot be opened)\. Give this user the right to write the file and its folder/,
        { uid: unprivilegedUid },
      );
    },
  );
});

test('a killed start leaves nothing that blocks the next one', async (t) => {
  const home = await createTempHome(t);
  const first = home.start();
  await first.listening;
  const started = await descendants(first.pid);
  first.kill('SIGKILL');
  assert.equal((await first.exited).signal, 'SIGKILL');
  await connectClient(t, await home.start().listening).chat('Hi').end;
  assert.deepEqual(started, [], 'without MCP servers there is no guard either');
});
