/** Tests the messages about a wrong file: file, line, key path, the value found, and what is allowed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { configFolder, problemsOf, projectDirectory } from './config-folder.ts';
import { presets } from '../../src/llm/providers/presets.ts';

const sha256 = 'a'.repeat(64);

/** The name of the case, the file, and its problems. */
const wrongFiles: [name: string, text: string, problems: string[]][] = [
  [
    'a misspelt key, and suggests the right one',
    'chat:\n  websocket:\n    prot: 9000\n',
    ['my.yaml:3: chat.websocket.prot is not a known key; did you mean port?'],
  ],
  [
    'the key __proto__, wherever names are free or fixed, and reports the other problems too',
    [
      'llm:',
      '  providers:',
      '    __proto__: { base_url: "https://one.example/v1" }',
      '    two: { base_url: "https://two.example/v1", model: m, headers: { "__proto__": x } }',
      'auth: { mode: token, tokens: [{ __proto__: 1, subject: a, sha256: "' + sha256 + '" }] }',
      'logging: { level: info, "__proto__": {}, format: xml }',
    ].join('\n'),
    [
      'my.yaml:3: llm.providers.__proto__ is a name that JavaScript reserves; choose another one.',
      'my.yaml:4: llm.providers.two.headers.__proto__ is a name that JavaScript reserves; choose another one.',
      'my.yaml:5: auth.tokens[0].__proto__ is a name that JavaScript reserves; choose another one.',
      'my.yaml:6: logging.__proto__ is a name that JavaScript reserves; choose another one.',
      'my.yaml:6: logging.format is xml; allowed: one of auto, json, pretty.',
    ],
  ],
  [
    'settings of other programs in the block of a provider, without the value of a key',
    [
      'llm:',
      '  providers:',
      '    mine:',
      '      base_url: http://localhost/v1',
      '      model: m',
      '      url: http://localhost/v1',
      '      key: sk-abcdef',
      '      enabled: true',
      '      stream: false',
      '      context_window: 8192',
      '',
    ].join('\n'),
    [
      'my.yaml:6: llm.providers.mine.url is not a known key; the address is base_url.',
      'my.yaml:7: llm.providers.mine.key is not a known key; remove it: API keys come only from the environment (api_key_env names the variable).',
      'my.yaml:8: llm.providers.mine.enabled is not a known key; remove it: llm.active and llm.fallback name the providers that are used.',
      'my.yaml:9: llm.providers.mine.stream is not a known key; remove it: Parley always asks for a stream.',
      'my.yaml:10: llm.providers.mine.context_window is not a known key; the window is chat.service.context.max_tokens.',
    ],
  ],
  [
    'a key in another case, and suggests the right one',
    'chat: { service: { maxToolHops: 3 } }',
    ['my.yaml:1: chat.service.maxToolHops is not a known key; did you mean max_tool_hops?'],
  ],
  [
    'a known key in the wrong section, and names its path',
    'port: 9000',
    ['my.yaml:1: port is not a known key; did you mean chat.websocket.port?'],
  ],
  [
    'an unknown key, and lists the known keys',
    'shutdown:\n  gracefully: 5\n',
    ['my.yaml:2: shutdown.gracefully is not a known key; known here: drain_timeout.'],
  ],
  [
    'a repeated key, and reports the other problems too',
    'logging:\n  level: info\n  level: debug\n  format: xml\n',
    [
      'my.yaml:3: logging.level is stated twice, first on line 2; keep one.',
      'my.yaml:4: logging.format is xml; allowed: one of auto, json, pretty.',
    ],
  ],
  [
    'inspection for other machines without auth',
    'inspect: { beyond_loopback: true }',
    [
      'my.yaml:1: inspect.beyond_loopback is true; allowed: false while auth.mode is none; set auth.mode to token and name the viewers.',
    ],
  ],
  [
    'a viewer without a token',
    'inspect: { viewers: [root] }',
    ['my.yaml:1: inspect.viewers[0] is root; allowed: a subject of auth.tokens.'],
  ],
  [
    'text in the place of a number',
    'chat: { websocket: { port: eighty } }',
    ['my.yaml:1: chat.websocket.port is eighty; allowed: a whole number from 0 to 65535.'],
  ],
  [
    'a number in quotes',
    'chat: { websocket: { port: "80" } }',
    ['my.yaml:1: chat.websocket.port is "80"; allowed: a whole number from 0 to 65535.'],
  ],
  [
    'numbers out of bounds',
    'llm:\n  stall_timeout: 0\n  retry: { attempts: 2.5 }\nchat:\n  websocket: { port: 70000, max_message_size: 1 }\n',
    [
      'my.yaml:2: llm.stall_timeout is 0; allowed: a number of seconds, above 0 and up to 604800.',
      'my.yaml:3: llm.retry.attempts is 2.5; allowed: a whole number of attempts from 1 to 10.',
      'my.yaml:5: chat.websocket.port is 70000; allowed: a whole number from 0 to 65535.',
      'my.yaml:5: chat.websocket.max_message_size is 1; allowed: a whole number of bytes, 1024 or more.',
    ],
  ],
  [
    'a truth value of an older YAML',
    'repository: { persistence: { enabled: yes } }',
    ['my.yaml:1: repository.persistence.enabled is yes; allowed: true or false.'],
  ],
  [
    'a value where a section belongs, and the reverse',
    'llm: groq\nchat: { websocket: { host: { name: a } } }\nmcp: [a]\n',
    [
      'my.yaml:1: llm is groq; allowed: a section with keys such as active, fallback, connect_timeout.',
      'my.yaml:2: chat.websocket.host is a section; allowed: text that is not empty.',
      'my.yaml:3: mcp is a list; allowed: a section with keys such as config_file, watch_config_file, read_linked_resources.',
    ],
  ],
  [
    'a key without a value',
    'logging:\n  level:\n',
    ['my.yaml:2: logging.level is empty; allowed: one of trace, debug, info, warn, error, fatal, silent.'],
  ],
  [
    'an entry of a list',
    'chat:\n  websocket:\n    allow_origins:\n      - https://a.example\n      - b.example/chat\n',
    [
      'my.yaml:5: chat.websocket.allow_origins[1] is b.example/chat; allowed: an origin such as https://chat.example.com or https://*.example.com, without a path, or "*" for all.',
    ],
  ],
  [
    'a URL in the place of a host',
    'chat:\n  websocket:\n    allowed_hosts: [chat.example.com, https://chat.example.com]\n',
    [
      'my.yaml:3: chat.websocket.allowed_hosts[1] is https://chat.example.com; allowed: a host such as chat.example.com, chat.example.com:8443 or *.example.com, without https:// and without a path.',
    ],
  ],
  [
    'a provider without a block, and reports the other problems too',
    'llm:\n  active: grok\n  fallback: [groq, unknown]\n  stall_timeout: long\n',
    [
      `my.yaml:2: llm.active is grok; allowed: one of auto, demo, ${Object.keys(presets).join(', ')}.`,
      `my.yaml:3: llm.fallback[1] is unknown; allowed: one of demo, ${Object.keys(presets).join(', ')}.`,
      'my.yaml:4: llm.stall_timeout is long; allowed: a number of seconds, above 0 and up to 604800.',
    ],
  ],
  [
    'a provider without address and model',
    'llm:\n  providers:\n    mine:\n      temperature: 1\n',
    [
      'my.yaml:3: llm.providers.mine.base_url is missing; allowed: an http or https URL, such as http://localhost:8080/v1.',
      'my.yaml:3: llm.providers.mine.model is missing; allowed: text that is not empty.',
    ],
  ],
  [
    'a provider key that is similar to a known one, and the known key that is missing',
    'llm:\n  providers:\n    mine:\n      base_urll: http://localhost/v1\n      model: m\n      tempratur: 1\n      top_p: 0.5\n    groq:\n      maxTokens: 5\n    azure:\n      api_versoin: 2024-10-21\n',
    [
      'my.yaml:3: llm.providers.mine.base_url is missing; allowed: an http or https URL, such as http://localhost:8080/v1.',
      'my.yaml:4: llm.providers.mine.base_urll is not a known key; did you mean base_url? If it is a parameter of the provider, put it into extra_body.',
      'my.yaml:6: llm.providers.mine.tempratur is not a known key; did you mean temperature? If it is a parameter of the provider, put it into extra_body.',
      'my.yaml:9: llm.providers.groq.maxTokens is not a known key; did you mean max_tokens? If it is a parameter of the provider, put it into extra_body.',
      'my.yaml:11: llm.providers.azure.api_versoin is not a known key; did you mean api_version? If it is a parameter of the provider, put it into extra_body.',
    ],
  ],
  [
    "settings of another program's HTTP client in a provider, and says what Parley has instead",
    'llm:\n  providers:\n    openai:\n      choice_index: 0\n      http_client: { max_connections: 50 }\n      max_connections: 50\n      top_p: 1\n    mine:\n      base_url: http://localhost/v1\n      model: m\n      max_retries: 3\n      timeout: 30\n      api_base: http://localhost/v1\n      organization: org-1\n',
    [
      'my.yaml:4: llm.providers.openai.choice_index is not a known key; remove it: Parley reads the first choice.',
      'my.yaml:5: llm.providers.openai.http_client is not a known key; remove it: this block has max_concurrent and requests_per_minute instead, and llm has connect_timeout, stall_timeout and retry for all providers.',
      'my.yaml:6: llm.providers.openai.max_connections is not a known key; remove it: this block has max_concurrent and requests_per_minute instead.',
      'my.yaml:11: llm.providers.mine.max_retries is not a known key; remove it: llm.retry has the retries for all providers.',
      'my.yaml:12: llm.providers.mine.timeout is not a known key; remove it: llm has connect_timeout, first_byte_timeout and stall_timeout for all providers.',
      'my.yaml:13: llm.providers.mine.api_base is not a known key; the address is base_url.',
      'my.yaml:14: llm.providers.mine.organization is not a known key; put OpenAI-Organization into headers.',
    ],
  ],
  [
    'an unknown section in a provider, and reports the other problems too',
    'port: 1\nllm:\n  providers:\n    azure:\n      rate_limits: { per_minute: 3 }\n      options: { num_ctx: 4096 }\n      retry: { attempts: 3 }\n',
    [
      'my.yaml:1: port is not a known key; did you mean chat.websocket.port?',
      'my.yaml:5: llm.providers.azure.rate_limits is not a known key; remove it. If it is a parameter of the provider, put it into extra_body.',
      'my.yaml:6: llm.providers.azure.options is not a known key; remove it. If it is a parameter of the provider, put it into extra_body.',
      'my.yaml:7: llm.providers.azure.retry is not a known key; did you mean llm.retry? If it is a parameter of the provider, put it into extra_body.',
    ],
  ],
  [
    'a section in the wrong place, and its keys that are unknown in the right one',
    'chat:\n  service:\n    repository:\n      path: events.db\n      connection_pool: { max_readers: 16 }\n      persistence: { enabled: true, forget: 1 }\n',
    [
      'my.yaml:3: chat.service.repository is not a known key; did you mean repository?',
      'my.yaml:5: chat.service.repository.connection_pool is not a known key of repository; known here: type, path, synchronous, max_queued_writes, persistence.',
      'my.yaml:6: chat.service.repository.persistence.forget is not a known key of repository.persistence; known here: enabled, retention_policy, max_tokens_per_conversation, max_messages_per_conversation, retention_days, clear_on_startup.',
    ],
  ],
  [
    'an unknown section, and suggests no key that takes a plain value and no section without its keys',
    'chat: { service: { context: { response_tokens: { short: 150 } } } }\nmcp: { logging: { tool_results: true } }\n',
    [
      'my.yaml:1: chat.service.context.response_tokens is not a known key; known here: max_tokens, reserve_tokens, preserve_recent, max_images.',
      'my.yaml:2: mcp.logging is not a known key; known here: config_file, watch_config_file, read_linked_resources, roots, sampling, resources_in_prompt, connection, limits, tasks, authorization.',
    ],
  ],
  [
    'a known provider whose name is misspelt',
    'llm:\n  providers:\n    opneai:\n      model: gpt-4o\n',
    [
      'my.yaml:3: llm.providers.opneai.base_url is missing; allowed: an http or https URL, such as http://localhost:8080/v1.',
      'my.yaml:3: llm.providers.opneai is a section; allowed: the name openai for that provider; a provider of your own needs a base_url.',
    ],
  ],
  [
    'a provider with a reserved name',
    'llm: { providers: { demo: { base_url: "http://localhost/v1", model: m } } }',
    [
      'my.yaml:1: llm.providers.demo is a section; allowed: another name, because demo has a special meaning in llm.active.',
    ],
  ],
  [
    'an API key, without repeating it',
    'llm:\n  providers:\n    groq:\n      api_key: gsk-1\n      api_key_env: gsk-2\n',
    [
      'my.yaml:4: llm.providers.groq.api_key is a value not shown here; allowed: nothing, because API keys come only from the environment (name the variable in api_key_env).',
      'my.yaml:5: llm.providers.groq.api_key_env is a value not shown here; allowed: the name of an environment variable, such as OPENAI_API_KEY (never the key itself).',
    ],
  ],
  [
    'a reserve as large as the context',
    'chat: { service: { context: { max_tokens: 300 } } }',
    [
      'my.yaml:1: chat.service.context.reserve_tokens is left at its default, 4000; allowed: less than context.max_tokens (300), or no message fits.',
    ],
  ],
  [
    'a variable that is not set, and reports it once',
    'chat:\n  websocket:\n    port: ${PARLEY_TEST_PORT}\n',
    [
      'my.yaml:3: chat.websocket.port needs the environment variable PARLEY_TEST_PORT, which is not set; set it, or write ${PARLEY_TEST_PORT:-default}.',
    ],
  ],
  [
    'a host that other machines can reach, without auth',
    'chat:\n  websocket:\n    host: 0.0.0.0\n',
    [
      'my.yaml:3: chat.websocket.host is 0.0.0.0; allowed: localhost, 127.0.0.1 or ::1 while auth.mode is none; set auth.mode to token, or auth.allow_anonymous_beyond_loopback to true if every client that reaches the port may chat and call tools.',
    ],
  ],
  [
    'the hash of the empty text, which lets an empty token in',
    `auth:\n  mode: token\n  tokens:\n    - { subject: alice, sha256: ${createHash('sha256').update('').digest('base64url')} }\n`,
    [
      'my.yaml:4: auth.tokens[0].sha256 is a value not shown here; allowed: the hash of a token, not that of the empty text (./run.sh token SUBJECT makes both).',
    ],
  ],
  [
    'auth without tokens',
    'auth: { mode: token }',
    [
      'my.yaml:1: auth.tokens is left at its default, []; allowed: at least one token while auth.mode is token, or no client can connect (./run.sh token SUBJECT makes one).',
    ],
  ],
  [
    'tokens without auth',
    `auth:\n  tokens:\n    - { subject: alice, sha256: ${sha256} }\n`,
    [
      'my.yaml:1: auth.mode is left at its default, "none"; allowed: token, because auth.tokens lists tokens that mode none never checks.',
    ],
  ],
  [
    'a token in the place of its hash, without repeating it',
    'auth:\n  mode: token\n  tokens:\n    - subject: alice\n      sha256: parley_secret\n    - parley_secret\n    - { subject: "", token: parley_secret }\n',
    [
      'my.yaml:5: auth.tokens[0].sha256 is a value not shown here; allowed: the SHA-256 of a token, as 64 hex digits or 43 characters of base64url; never the token itself (./run.sh token SUBJECT makes both).',
      'my.yaml:6: auth.tokens[1] is a value not shown here; allowed: a section with keys such as subject, sha256.',
      'my.yaml:7: auth.tokens[2].subject is a value not shown here; allowed: 1 to 128 characters without control characters.',
      'my.yaml:7: auth.tokens[2].sha256 is missing; allowed: the SHA-256 of a token, as 64 hex digits or 43 characters of base64url; never the token itself (./run.sh token SUBJECT makes both).',
      'my.yaml:7: auth.tokens[2].token is not a known key; known here: subject, sha256.',
    ],
  ],
  [
    'a token of two subjects, in two encodings',
    `auth:\n  mode: token\n  tokens:\n    - { subject: alice, sha256: ${sha256} }\n    - { subject: bob, sha256: ${Buffer.from(sha256, 'hex').toString('base64url')} }\n`,
    [
      'my.yaml:5: auth.tokens[1].sha256 is a value not shown here; allowed: another hash than that of auth.tokens[0], because a token belongs to one subject.',
    ],
  ],
  [
    'a file that is a list',
    '- a\n',
    ['my.yaml:1: the file is a list; allowed: a section with keys such as llm, chat, auth.'],
  ],
  ['a tab', 'chat:\n\tservice: {}\n', ['my.yaml:2: the file is not YAML here: Tabs are not allowed as indentation.']],
  [
    'a second document',
    'logging: {}\n---\nlogging: {}\n',
    ['my.yaml:2: the file holds a second document here; keep one.'],
  ],
];

describe('the configuration', () => {
  for (const [name, text, problems] of wrongFiles) {
    test(`rejects ${name}`, async (t) => assert.deepEqual(await problemsOf(t, text), problems));
  }

  test('rejects a value from a variable, and shows the name of the variable only', async (t) => {
    const text = 'logging:\n  level: ${SECRET}\n';
    assert.deepEqual(await problemsOf(t, text, { SECRET: 'hunter2' }), [
      'my.yaml:2: logging.level is ${SECRET} from the environment; allowed: one of trace, debug, info, warn, error, fatal, silent.',
    ]);
  });

  test('rejects an anchor that expands without limit', async (t) => {
    const levels = Array.from(
      { length: 12 },
      (_, n) =>
        `l${n}: &l${n} [${Array(9)
          .fill(n === 0 ? 'x' : `*l${n - 1}`)
          .join(', ')}]`,
    );
    assert.match(
      (await problemsOf(t, levels.join('\n'))).join(),
      /^my\.yaml:1: the file is not YAML: Excessive alias count/,
    );
  });
});

test('the message counts the problems and shows the whole path of a file outside the current folder', async (t) => {
  const folder = await configFolder(t, 'a: 1\nb: 2\n');
  const file = `${folder}/my.yaml`;
  await assert.rejects(loadConfig({ file, env: {}, cwd: projectDirectory, projectDirectory }), {
    code: 'config_invalid',
    message: [
      'The configuration has 2 problems:',
      `  ${file}:1: a is not a known key; known here: llm, chat, auth, quota, inspect, repository, mcp, logging, shutdown.`,
      `  ${file}:2: b is not a known key; known here: llm, chat, auth, quota, inspect, repository, mcp, logging, shutdown.`,
    ].join('\n'),
  });
});
