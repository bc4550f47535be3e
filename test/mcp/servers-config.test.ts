/** Tests the file that lists the servers: files of other hosts, and the messages for invalid files. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { AppError } from '../../src/errors.ts';
import { loadServers } from '../../src/mcp/config/servers-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-config-'));
const file = join(folder, 'servers.json');
after(() => rmSync(folder, { recursive: true }));

const load = (content: string | object, env: NodeJS.ProcessEnv = {}) => {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify({ mcpServers: content }));
  return loadServers(file, env);
};
const complaint = (content: string | object, env: NodeJS.ProcessEnv = {}): string => {
  try {
    load(content, env);
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, 'config_invalid');
    assert.ok(error.message.startsWith(file), error.message);
    return error.message.slice(file.length);
  }
  assert.fail('the file was accepted');
};

describe('the list of MCP servers', () => {
  test('accepts files of other hosts unchanged', () => {
    const servers = load({
      files: {
        type: 'stdio',
        command: 'npx',
        args: ['-y', 'server', 8080],
        env: { PORT: 1, VERBOSE: true },
        autoApprove: ['read'],
        timeout: 60,
        description: 'x',
        includeTools: ['read'],
        max_concurrent: 2,
      },
      web: {
        transport: 'streamable-http',
        serverUrl: 'https://example.org/mcp',
        headers: { a: 'b' },
        alwaysAllow: [],
        excludeTools: ['erase'],
      },
      off: { command: 'x', disabled: true },
      never: { enabled: false, args: 'wrong, but off' },
    });

    assert.deepEqual(servers, [
      {
        kind: 'stdio',
        user: null,
        name: 'files',
        command: 'npx',
        args: ['-y', 'server', '8080'],
        cwd: folder,
        env: { PORT: '1', VERBOSE: 'true' },
        protocol: 'legacy_first',
        includeTools: ['read'],
        excludeTools: [],
        autoApprove: ['read'],
        maxConcurrent: 2,
        startTimeoutMs: null,
        toolTimeoutMs: 60_000,
        toolTimeouts: {},
      },
      {
        kind: 'http',
        name: 'web',
        url: 'https://example.org/mcp',
        headers: { a: 'b' },
        protocol: 'auto',
        oauth: { client: null, scope: null },
        includeTools: null,
        excludeTools: ['erase'],
        autoApprove: null,
        maxConcurrent: null,
        startTimeoutMs: null,
        toolTimeoutMs: null,
        toolTimeouts: {},
      },
    ]);
  });

  test('ignores keys of other hosts, even if some resemble its own', () => {
    const names = [
      'type',
      'transport',
      'trust',
      'description',
      'envFile',
      'headersHelper',
      'toolset',
      'name',
      'icon',
      'version',
      'authProviderType',
      'oauthScopes',
      'bearer_token_env_var',
      'http_headers',
      'gallery',
      'dev',
      'requestInit',
      'auth',
      'required',
      'roots',
      'retries',
    ];
    const warned: string[] = [];
    const block = { command: 'x', ...Object.fromEntries(names.map((name) => [name, 1])) };
    writeFileSync(file, JSON.stringify({ mcpServers: { one: block } }));
    const [server] = loadServers(file, {}, (name, line) => warned.push(`${name}: ${line}`));
    assert.equal(server?.kind, 'stdio');
    assert.equal(warned.length, 1);
    assert.match(warned[0] ?? '', /^one: its block has keys that Parley ignores: trust, envFile, /);
    assert.doesNotMatch(warned[0] ?? '', /description|type/);
  });

  test('follows keys of other hosts that choose tools, under each of their names', () => {
    const chosen = (keys: object) => {
      const [server] = load({ one: { command: 'x', ...keys } });
      return [server?.includeTools, server?.excludeTools, server?.autoApprove];
    };
    for (const key of ['disabledTools', 'disabled_tools', 'exclude_tools', 'excludetools', 'blockedTools', 'denylist'])
      assert.deepEqual(chosen({ [key]: ['wipe'] }), [null, ['wipe'], null], key);
    for (const key of ['tools', 'enabledTools', 'enabled_tools', 'allowedTools', 'allowed-tools', 'include_tools'])
      assert.deepEqual(chosen({ [key]: ['read'] }), [['read'], [], null], key);
    assert.deepEqual(chosen({ tools: ['*'] }), [null, [], null]);
    assert.deepEqual(chosen({ tools: [] }), [[], [], null]);
    assert.deepEqual(
      chosen({ tools: ['a', 'b'], includeTools: ['b', 'c'], excludeTools: ['x'], disabledTools: ['y'] }),
      [['b'], ['x', 'y'], null],
    );
    for (const key of ['autoApprove', 'alwaysAllow'])
      assert.deepEqual(chosen({ [key]: ['read'] }), [null, [], ['read']], key);
    assert.deepEqual(load({ one: { command: 'x', isActive: false } }), []);
  });

  test('reads the times of a block, in seconds, and those of other hosts in their units', () => {
    const times = (keys: object) => {
      const [server] = load({ one: { command: 'x', ...keys } });
      return [server?.startTimeoutMs, server?.toolTimeoutMs];
    };
    assert.deepEqual(times({ start_timeout: 90, tool_timeout: 0.5 }), [90_000, 500]);
    assert.deepEqual(times({ startup_timeout_sec: 60, tool_timeout_sec: 20 }), [60_000, 20_000]);
    assert.deepEqual(times({ startup_timeout_ms: 5000, timeout: 30 }), [5000, 30_000]);
    assert.deepEqual(times({ initTimeout: 60_000, timeout: 20_000 }), [60_000, 20_000]);
    assert.deepEqual(times({ start_timeout: 1, initTimeout: 60_000 }), [1000, null]);
  });

  test('trims addresses and header values that come from files', () => {
    const [server] = load({ one: { url: ' http://example.org/mcp\n', headers: { 'X-Key': 'abc\n' } } });
    assert.ok(server?.kind === 'http');
    assert.equal(server.url, 'http://example.org/mcp');
    assert.deepEqual(server.headers, { 'X-Key': 'abc' });
  });

  test('runs node with the Node that runs Parley, in a cwd relative to the file', () => {
    const [server] = load({ demo: { command: 'node', cwd: '../other', protocol: '2026-07-28' } });
    assert.deepEqual(server, {
      kind: 'stdio',
      user: null,
      name: 'demo',
      command: process.execPath,
      args: [],
      cwd: join(folder, '../other'),
      env: {},
      protocol: { revision: '2026-07-28' },
      includeTools: null,
      excludeTools: [],
      autoApprove: null,
      maxConcurrent: null,
      startTimeoutMs: null,
      toolTimeoutMs: null,
      toolTimeouts: {},
    });
  });

  test('fills in environment variables', () => {
    const block = {
      command: '${DIR}/x',
      args: ['${env:A}-${B:-two}', '${EMPTY:-three}', '${EMPTY}', '$A', '${X:+y}', '{env:A}', '${pathSeparator}'],
      env: { KEY: '${A}', PLAIN: '$TOKEN', PART: 'pa$TOKEN' },
    };
    const [server] = load({ one: block }, { DIR: '/opt', A: 'a', EMPTY: '', TOKEN: 't' });
    assert.ok(server?.kind === 'stdio');
    assert.deepEqual(
      [server.command, ...server.args, ...Object.values(server.env)],
      ['/opt/x', 'a-two', 'three', '', '$A', '${X:+y}', 'a', '/', 'a', 't', 'pa$TOKEN'],
    );
  });

  test('reads the OAuth settings, and when OAuth is off', () => {
    const url = 'https://example.org/mcp';
    const servers = load(
      {
        known: { url, oauth: { clientId: 'parley', clientSecret: '${SECRET}', scopes: ['read', 'write'] } },
        off: { url, oauth: false },
        alsoOff: { url, oauth: { enabled: false } },
        token: { url, headers: { authorization: 'Bearer ${SECRET}' } },
      },
      { SECRET: 'hidden' },
    );
    assert.deepEqual(
      servers.map((server) => server.kind === 'http' && server.oauth),
      [{ client: { client_id: 'parley', client_secret: 'hidden' }, scope: 'read write' }, null, null, null],
    );
  });

  test('needs no variables for disabled servers', () => {
    assert.deepEqual(load({ one: { enabled: false, url: '${NOT_SET}' } }), []);
  });
});

describe('the message for an invalid list has the position, what was found and what is allowed:', () => {
  const cases: [name: string, content: string, complaint: RegExp][] = [
    [
      'a missing comma',
      '{\n  "mcpServers": {\n    "a": { "command": "x" "args": [] }\n  }\n}',
      /^:3:27: the file is not JSON: expected "," or "}", found "args": \[\] }$/,
    ],
    ['a value left out', '{"mcpServers": }', /^:1:16: the file is not JSON: expected a value, found }$/],
    [
      'a text that ends early',
      '{"mcpServers": {\n',
      /^:2:1: the file is not JSON: expected a key in double quotes, found the end of the file$/,
    ],
    [
      'a trailing comma',
      '{"mcpServers": {},}',
      /^:1:19: the file is not JSON: expected a key in double quotes, found }$/,
    ],
    [
      'a key given twice',
      '{"mcpServers": {\n "a": {"command": "x"},\n "a": {"command": "y"}}}',
      /^:3:2: mcpServers\.a: duplicate key/,
    ],
    ['no servers', '{\n"servers": {}}', /^:1:1: mcpServers: expected an object with one entry a server, found nothing/],
    [
      'a list of servers',
      '{"mcpServers": []}',
      /^:1:16: mcpServers: expected an object with one entry a server, found an array/,
    ],
    ['an array at the top', '[]', /^:1:1: expected an object with the key "mcpServers", found an array/],
    [
      'a wrong type',
      '{"mcpServers": {"a": {\n"command": "x",\n"args": ["y", {}]}}}',
      /^:3:15: mcpServers\.a\.args\[1\]: expected .*, found an object/,
    ],
    [
      'a wrong flag',
      '{"mcpServers": {"a": {"command": "x", "enabled": "yes"}}}',
      /: mcpServers\.a\.enabled: expected true or false, found "yes"/,
    ],
    [
      'an empty block',
      '{"mcpServers": {"a": {}}}',
      /^:1:22: mcpServers\.a: expected either "command" .* or "url" .*, found neither/,
    ],
    ['a block of two kinds', '{"mcpServers": {"a": {"command": "x", "url": "http://y"}}}', /found both/],
    [
      'a URL of another kind',
      '{"mcpServers": {"a": {"url": "ftp://x"}}}',
      /mcpServers\.a\.url: expected an http or https URL, found a text that is not shown here$/,
    ],
    [
      "a server that takes the name of another's tools",
      '{"mcpServers": {"a": {"command": "x"},\n"a.b": {"command": "x"}}}',
      /^:2:8: mcpServers\.a\.b: "a\.b" is also how the tool "b" of the server "a" is named; rename one/,
    ],
    [
      'a key that is nearly a known one',
      '{"mcpServers": {"a": {"command": "x",\n"excludeTool": ["y"]}}}',
      /^:2:\d+: mcpServers\.a\.excludeTool: "excludeTool" is not a known key; did you mean "excludeTools"\?$/,
    ],
    [
      'a key of oauth that is nearly a known one',
      '{"mcpServers": {"a": {"url": "http://x", "oauth": {"client_id": "y"}}}}',
      /mcpServers\.a\.oauth\.client_id: "client_id" is not a known key; did you mean "clientId"\?$/,
    ],
    [
      'a switch that is nearly a known one',
      '{"mcpServers": {"a": {"command": "x", "disable": true}}}',
      /"disable" is not a known key; did you mean "disabled"\?$/,
    ],
    [
      'a key of another host that restricts',
      '{"mcpServers": {"a": {"command": "x",\n"requireApproval": "always"}}}',
      /^:2:\d+: mcpServers\.a\.requireApproval: this key of another host restricts the server, and Parley cannot follow it/,
    ],
    [
      'a choice of tools that is no list',
      '{"mcpServers": {"a": {"command": "x", "disabledTools": {"wipe": true}}}}',
      /mcpServers\.a\.disabledTools: expected an array with the names of tools/,
    ],
    [
      'a header that HTTP does not allow, without its value',
      '{"mcpServers": {"a": {"url": "http://x", "headers": {"X Name": "hidden"}}}}',
      /mcpServers\.a\.headers\.X Name: is no name of an HTTP header; write letters, digits and "-"$/,
    ],
    ...[
      '${input:key}',
      '${command:pick}',
      '${config:a.b}',
      '${{ secrets.KEY }}',
      '{file:~/key}',
      '%KEY%',
      '<YOUR_KEY>',
    ].map((placeholder): [string, string, RegExp] => [
      `the placeholder ${placeholder}`,
      JSON.stringify({ mcpServers: { a: { command: 'x', env: { KEY: placeholder } } } }),
      /mcpServers\.a\.env\.KEY: .+ is a placeholder of another host; write the value, or \$\{NAME\}/,
    ]),
    [
      'a placeholder of an editor',
      '{"mcpServers": {"a": {"command": "x", "args": ["${workspaceFolder}/a"]}}}',
      /args\[0\]: \$\{workspaceFolder\} is a placeholder of an editor; write the path/,
    ],
    [
      'a limit of no calls',
      '{"mcpServers": {"a": {"command": "x", "max_concurrent": 0}}}',
      /mcpServers\.a\.max_concurrent: expected a whole number, 1 or more, found 0/,
    ],
    [
      'an unknown protocol',
      '{"mcpServers": {"a": {"command": "x", "protocol": "new"}}}',
      /mcpServers\.a\.protocol: expected "legacy", "auto" or a revision/,
    ],
    [
      'a variable that is not set',
      '{"mcpServers": {"a": {"command": "x", "env": {"K": "${NOT_SET}"}}}}',
      /mcpServers\.a\.env\.K: the environment variable NOT_SET is not set/,
    ],
  ];
  for (const [name, content, expected] of cases) test(name, () => assert.match(complaint(content), expected));

  test('a missing file', () => {
    assert.throws(() => loadServers(join(folder, 'none.json'), {}), {
      code: 'config_invalid',
      message: /none\.json: the list of MCP servers does not exist; .* or PARLEY_SERVERS_CONFIG/,
    });
  });
});

describe('a value that no request or process takes', () => {
  const secret = 'hush-hush-5';
  const url = 'http://127.0.0.1:9/mcp';
  for (const { what, block, key } of [
    {
      what: 'a line break in a header',
      block: { url, headers: { 'X-Key': `${secret}\nX-Other: 1` } },
      key: 'headers.X-Key',
    },
    {
      what: 'a typographic quote in a header',
      block: { url, headers: { 'X-Key': `\u201c${secret}\u201d` } },
      key: 'headers.X-Key',
    },
    {
      what: 'a null character in a header',
      block: { url, headers: { 'X-Key': `${secret}\0x` } },
      key: 'headers.X-Key',
    },
    { what: 'a line break from a variable', block: { url, headers: { 'X-Key': '${KEY}' } }, key: 'headers.X-Key' },
    { what: 'a header name with a space', block: { url, headers: { 'X Key': secret } }, key: 'headers.X Key' },
    { what: 'a password in the address', block: { url: `http://ann:${secret}@127.0.0.1:9/mcp` }, key: 'url' },
    { what: 'a user in the address', block: { serverUrl: `http://${secret}@127.0.0.1:9/mcp` }, key: 'serverUrl' },
    { what: 'an address of another kind', block: { url: `ftp://127.0.0.1/?apiKey=${secret}` }, key: 'url' },
    { what: 'a null character in a variable', block: { command: 'x', env: { KEY: `${secret}\0` } }, key: 'env.KEY' },
    { what: 'a null character in an argument', block: { command: 'x', args: ['a', `${secret}\0`] }, key: 'args[1]' },
    { what: 'headers as text', block: { url, headers: `X-Key: ${secret}` }, key: 'headers' },
    { what: 'variables as text', block: { command: 'x', env: `KEY=${secret}` }, key: 'env' },
  ]) {
    test(`is refused by its key, without the value: ${what}`, () => {
      const message = complaint({ web: block }, { KEY: `${secret}\nX-Other: 1` });
      assert.ok(message.includes(`mcpServers.web.${key}: `), message);
      assert.ok(!message.includes(secret), message);
    });
  }

  test('is none for white space at the ends of a header, which is removed', () => {
    const [server] = load({ web: { url, headers: { 'X-Key': ' ${KEY} ' } } }, { KEY: `${secret}\r\n` });
    assert.deepEqual(server?.kind === 'http' && server.headers, { 'X-Key': secret });
  });
});
