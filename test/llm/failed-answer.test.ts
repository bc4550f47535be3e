/** Tests the fault of each failure of a provider. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { AnswerEnd } from '../../src/llm/port.ts';
import { chooseProviders } from '../../src/llm/providers/choose-providers.ts';
import { requestFailed } from '../../src/llm/stream/failed-answer.ts';
import { ask, languageModelAt } from '../support/model/ask.ts';
import {
  answersWith,
  bytes,
  cuts,
  data,
  delta,
  errorChunk,
  fails,
  finish,
  hangs,
  says,
  stalls,
  streams,
  text,
  type Reply,
} from '../support/model/replies.ts';
import { startModelServer, type ModelServer } from '../support/model/server.ts';
import { callParts } from '../support/model/tool-calls.ts';

let server: ModelServer;
before(async () => {
  server = await startModelServer();
});
after(() => server.close());

const key = 'sk-scripted-0123456789';

function askWith(options: Parameters<typeof languageModelAt>[1] = {}) {
  return ask(
    languageModelAt(server.url, {
      providers: {
        scripted: {
          base_url: server.url,
          model: 'configured-model',
          api_key_env: 'SCRIPTED_KEY',
          headers: { 'x-tenant': 'tenant-secret' },
        },
      },
      env: { SCRIPTED_KEY: key },
      ...options,
    }),
  );
}

function failed(end: AnswerEnd): Extract<AnswerEnd, { status: 'failed' }> {
  assert.ok(end.status === 'failed', JSON.stringify(end));
  assert.match(end.fault.message, /^Provider "scripted" /);
  assert.equal(end.fault.data['provider'], 'scripted');
  assert.ok(!JSON.stringify(end).includes(key), 'a fault never holds the key');
  return end;
}

describe('a refusal', () => {
  const table: [title: string, reply: Reply, code: string, names: RegExp][] = [
    ['401', fails(401, 'Incorrect API key provided'), 'provider_auth', /SCRIPTED_KEY.*Incorrect API key/],
    ['403 about the key', fails(403, 'Your API key is blocked'), 'provider_auth', /SCRIPTED_KEY/],
    ["403 with Anthropic's type", fails(403, 'no', { code: 'permission_error' }), 'provider_auth', /SCRIPTED_KEY/],
    [
      '403 about a country',
      fails(403, 'Country, region, or territory not supported', { code: 'unsupported_country_region_territory' }),
      'provider_request',
      /does not allow the request; check the account, its region.*\(403\)\. It says: Country/,
    ],
    [
      '403 about moderation',
      fails(403, 'gpt-4o requires moderation on OpenAI. Your input was flagged for "violence".'),
      'provider_content_filter',
      /rewind_to.*flagged/,
    ],
    [
      '403 about a model of the organization',
      fails(403, 'The model `m` is blocked at the organization level.', { code: 'model_permission_blocked_org' }),
      'provider_model',
      /does not let this account use the model "configured-model"/,
    ],
    [
      '403 about access to a model',
      fails(403, 'Project `p` does not have access to model `m`'),
      'provider_model',
      /does not let this account use/,
    ],
    [
      "403 with a firewall's page",
      answersWith('text/html', '<html><h1>Sorry, you have been blocked</h1> Invalid API key</html>', 403),
      'provider_request',
      /a web page, perhaps of a firewall.*base_url/,
    ],
    [
      '404 with a page that names the model',
      answersWith('text/html', '<!DOCTYPE html><pre>Cannot POST /configured-model</pre>', 404),
      'provider_request',
      /does not know the address of the request; check llm\.providers\.scripted\.base_url \(404\)/,
    ],
    ['404 without the name of the model', fails(404, 'Resource not found'), 'provider_request', /base_url.*Resource/],
    ['404 without a body', answersWith('text/plain', '', 404), 'provider_request', /the address of the request/],
    [
      '404 that names the model alone',
      fails(404, 'model: configured-model', { code: 'not_found_error' }),
      'provider_model',
      /does not offer the model/,
    ],
    [
      '404',
      fails(404, 'The model does not exist', { code: 'model_not_found' }),
      'provider_model',
      /"configured-model".*llm\.providers\.scripted\.model/,
    ],
    ['400 about the model', fails(400, 'llama-9 is not a valid model ID'), 'provider_model', /llama-9/],
    [
      '400 about the context by code',
      fails(400, 'no', { code: 'context_length_exceeded' }),
      'provider_context_length',
      /max_tokens/,
    ],
    [
      '400 about the context by words',
      fails(400, "This model's maximum context length is 8192 tokens"),
      'provider_context_length',
      /8192/,
    ],
    ['413', fails(413, 'Request too large'), 'provider_context_length', /too long/],
    [
      '400 about anything else',
      fails(400, 'temperature must be below 2'),
      'provider_request',
      /temperature must be below 2/,
    ],
    [
      '400 of a content filter by code',
      fails(400, 'no', { code: 'content_filter' }),
      'provider_content_filter',
      /left out of later requests/,
    ],
    [
      '413 of a proxy',
      answersWith('text/html', '<html><h1>Too large</h1>', 413),
      'provider_context_length',
      /behind a proxy/,
    ],
    ['400 about the key', fails(400, 'API key not valid. Please pass one.'), 'provider_auth', /SCRIPTED_KEY/],
    [
      '400 about credit',
      fails(400, 'Your credit balance is too low'),
      'provider_request',
      /the balance of the account/,
    ],
    ['402', fails(402, 'no'), 'provider_request', /check the balance of the account \(402\)/],
    ['405', fails(405, 'no'), 'provider_request', /the address of the request.*base_url \(405\)/],
    ['451', fails(451, 'no'), 'provider_request', /its region and its permissions \(451\)/],
    ['a page with 400', answersWith('text/html', '<html><h1>Bad</h1>', 400), 'provider_request', /a web page.*\(400\)/],
    ['499', fails(499, 'gone'), 'provider_failed', /499/],
    ['502', answersWith('text/html', '<html><h1>Bad Gateway</h1>', 502), 'provider_failed', /reached by its gateway/],
    ['503', fails(503, 'no'), 'provider_failed', /overloaded or down/],
    [
      '504',
      answersWith('text/plain', '', 504),
      'provider_failed',
      /did not answer its gateway in time; try again \(504\)/,
    ],
    ['422', fails(422, 'bad'), 'provider_request', /422/],
    ['402', fails(402, 'out of credits'), 'provider_request', /out of credits/],
    [
      'a spent quota',
      fails(429, 'You exceeded your quota', { code: 'insufficient_quota' }),
      'provider_request',
      /quota/,
    ],
    ['429', fails(429, 'slow down'), 'provider_rate_limit', /slow down/],
    ['408', fails(408, 'late'), 'provider_failed', /408/],
    ['409', fails(409, 'busy'), 'provider_failed', /409/],
    ['500', fails(500, 'oops'), 'provider_failed', /oops/],
    [
      '503 with a page',
      answersWith('text/html', '<html><style>p{}</style><h1>Bad  gateway</h1></html>', 503),
      'provider_failed',
      /It says: Bad gateway$/,
    ],
    ['529', fails(529, 'Overloaded'), 'provider_failed', /Overloaded/],
    ['500 without a body', answersWith('text/plain', '', 500), 'provider_failed', /\(500\)\.$/],
    [
      '429 with a page that is too long to be read',
      answersWith('text/html', `<h1>${'Slow '.repeat(40_000)}</h1>`, 429),
      'provider_rate_limit',
      /\(429\)/,
    ],
    [
      '401 whose body is torn',
      { status: 401, headers: { 'content-length': '900' }, parts: [bytes('{"error'), { play: 'tear' }] },
      'provider_auth',
      /\(401\)/,
    ],
    [
      'a bare string as error',
      answersWith('application/json', '{"error":"model not loaded"}', 500),
      'provider_failed',
      /model not loaded/,
    ],
    [
      'a redirect',
      { status: 307, headers: { location: 'http://127.0.0.1:9/login?to=secret' }, parts: [] },
      'provider_request',
      /redirects to http:\/\/127\.0\.0\.1:9\/login; set that address in .*base_url \(307\)\.$/,
    ],
    [
      'a redirect to the same path elsewhere',
      { status: 308, headers: { location: 'https://model.example/v1/chat/completions' }, parts: [] },
      'provider_request',
      /redirects to https:\/\/model\.example; set/,
    ],
    [
      'a redirect without a target',
      { status: 302, headers: {}, parts: [] },
      'provider_request',
      /redirects to another address/,
    ],
  ];
  for (const [title, reply, code, names] of table) {
    test(`${title} is ${code}`, async () => {
      server.script(reply);
      const { fault } = failed((await askWith()).end);
      assert.equal(fault.code, code);
      assert.match(fault.message, names);
    });
  }

  test('names the variable of the key in its data', async () => {
    server.script(fails(401, 'no'));
    assert.equal(failed((await askWith()).end).fault.data['variable'], 'SCRIPTED_KEY');
  });

  test('quotes the provider in one bounded line without secrets', async () => {
    server.script(
      fails(401, `Incorrect key\n${key} of tenant-secret or sk-other-key-of-a-user: ${'long '.repeat(500)}`),
    );
    const { message } = failed((await askWith()).end).fault;
    assert.match(message, /Incorrect key \[secret\] of \[secret\] or \[secret\]: long/);
    assert.ok(message.length < 450, `${message.length} characters`);
  });
});

describe('a secret of the block', () => {
  const basic = Buffer.from('me:p@ss-w0rd').toString('base64');
  for (const quoted of [
    key,
    'p@ss-w0rd',
    'p%40ss-w0rd',
    `Basic ${basic}`,
    basic,
    'to/ken-12345',
    'to%2Fken-12345',
    'zu-78901',
  ])
    test(`is struck from the message: ${quoted}`, async () => {
      server.script(fails(400, `Bad ${quoted} here`));
      const address = new URL(`${server.url}?token=to%2Fken-12345`);
      address.username = 'me';
      address.password = 'p@ss-w0rd';
      const scripted = {
        base_url: address.href,
        model: 'm',
        api_key_env: 'SCRIPTED_KEY',
        headers: { authorization: 'Token zu-78901' },
      };
      const { message } = failed((await askWith({ providers: { scripted } })).end).fault;
      assert.match(message, /It says: Bad (?:Basic )?\[secret\] here/);
    });

  test('is no word that stands for a missing key', async () => {
    server.script(fails(400, 'ollama cannot load it'));
    assert.match(failed((await askWith({ env: { SCRIPTED_KEY: 'ollama' } })).end).fault.message, /says: ollama cannot/);
  });
});

describe('the message of a refusal', () => {
  const shapes: [shape: string, body: unknown, says: string][] = [
    ['{error: {message}}', { error: { message: 'too hot' } }, 'too hot'],
    ['{error}', { error: 'too hot' }, 'too hot'],
    ['{error, message}', { statusCode: 400, error: 'Bad Request', message: 'too hot' }, 'too hot'],
    ['{message}', { message: 'too hot' }, 'too hot'],
    ['{detail}', { detail: 'too hot' }, 'too hot'],
    [
      '{detail: [{loc, msg}]}',
      { detail: [{ loc: ['body', 'messages', 0], msg: 'Field required' }] },
      'body.messages.0: Field required',
    ],
    [
      '{message: {detail: [{msg}]}}',
      { object: 'error', message: { detail: [{ msg: 'too hot' }, { msg: 'too cold' }] } },
      'too hot; too cold',
    ],
    ['{errors: [{message}]}', { success: false, errors: [{ code: 7, message: 'too hot' }] }, 'too hot'],
    ['{errors: [text]}', { errors: ['too hot'] }, 'too hot'],
    ['{code, msg}', { code: 1001, msg: 'too hot' }, 'too hot'],
    ['[{error: {message}}]', [{ error: { message: 'too hot' } }], 'too hot'],
  ];
  for (const [shape, body, expected] of shapes) {
    test(`is quoted from ${shape} with status 400`, async () => {
      server.script(answersWith('application/json', JSON.stringify(body), 400));
      const { fault } = failed((await askWith()).end);
      assert.deepEqual([fault.code, fault.data['provider_says']], ['provider_request', expected]);
    });
  }
  for (const [shape, body, expected] of shapes.filter(([, body]) => !Array.isArray(body))) {
    if (shape === '{message}') continue; // Without a status nothing marks it as an error.
    test(`is quoted from ${shape} with status 200`, async () => {
      server.script(answersWith('application/json', JSON.stringify(body)));
      assert.equal(failed((await askWith()).end).fault.data['provider_says'], expected);
    });
  }

  test('has a status from the code of a body with status 200', async () => {
    server.script(answersWith('application/json', '{"code":429,"message":"slow down"}'));
    assert.equal(failed((await askWith()).end).fault.code, 'provider_rate_limit');
  });

  for (const [title, body] of [
    ['one line', '{"error":{"message":"too hot"}}'],
    ['one line with its end', '{"detail":"too hot"}\n\n'],
    ['many lines', JSON.stringify({ error: { message: 'too hot' } }, null, 2)],
  ] as const) {
    test(`is quoted from ${title} of JSON inside an event stream`, async () => {
      server.script(answersWith('text/event-stream', body));
      assert.equal(failed((await askWith()).end).fault.data['provider_says'], 'too hot');
    });
  }

  test('survives a body of thousands of levels', async () => {
    const deep = `${'{"error":'.repeat(6_000)}1${'}'.repeat(6_000)}`;
    server.script(answersWith('application/json', deep, 400));
    assert.equal(failed((await askWith()).end).fault.code, 'provider_request');
  });
});

describe('retry-after', () => {
  /** Made when it is sent: other tests come before. */
  const inAMinute = () => ({ 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
  type Headers = Record<string, string>;
  const table: [title: string, headers: Headers | (() => Headers), low: number | null, high: number | null][] = [
    ['in seconds', { 'retry-after': '2' }, 2_000, 2_000],
    ['in milliseconds, which win', { 'retry-after-ms': '250', 'retry-after': '2' }, 250, 250],
    ['as a date', inAMinute, 1_000, 60_000],
    ['as a date gone by, which is none', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, null, null],
    ['in no seconds, which is none', { 'retry-after': '0' }, null, null],
    ['in no milliseconds, which is none', { 'retry-after-ms': '0' }, null, null],
    ['for a day, cut to ten minutes', { 'retry-after': '86400' }, 600_000, 600_000],
    ['as nonsense', { 'retry-after': 'soon' }, null, null],
    ['not at all', {}, null, null],
  ];
  for (const [title, headers, low, high] of table) {
    test(`is read ${title}`, async () => {
      server.script(fails(429, 'slow down', { headers: typeof headers === 'function' ? headers() : headers }));
      const { retryAfterMs, fault } = failed((await askWith()).end);
      assert.equal(fault.data['retry_after_ms'], retryAfterMs ?? undefined);
      if (low === null || high === null) assert.equal(retryAfterMs, null);
      else assert.ok(retryAfterMs !== null && retryAfterMs >= low && retryAfterMs <= high, String(retryAfterMs));
    });
  }
});

describe('a broken stream', () => {
  const asked = callParts([{ name: 'add', arguments: { a: 1 } }], 'split');
  const table: [title: string, reply: Reply, code: string, names: RegExp][] = [
    ['that ends cleanly without a finish', cuts('clean', 'Hel'), 'provider_cut', /before its answer was finished/],
    ['that ends after whole tool calls without a finish', streams(asked), 'provider_cut', /before its answer/],
    ['whose socket is torn', cuts('torn', 'Hel'), 'provider_cut', /before its answer/],
    ['that ends before it begins', cuts('torn'), 'provider_cut', /before its answer/],
    [
      'with an error inside',
      streams(text('Hel'), errorChunk({ message: 'worker died', type: 'server_error' })),
      'provider_failed',
      /worker died/,
    ],
    [
      'with an error that has a status',
      streams(text('Hel'), errorChunk({ message: 'slow down', code: 429 })),
      'provider_rate_limit',
      /429/,
    ],
    ['with an error in bare words', streams(errorChunk('out of memory')), 'provider_failed', /out of memory/],
    [
      'with an error about the context',
      streams(errorChunk({ message: 'too long', code: 'context_length_exceeded' })),
      'provider_context_length',
      /too long/,
    ],
    ['that finishes in an error', streams(text('Hel'), finish('error')), 'provider_failed', /ended with "error"/],
    [
      'with a line that is no JSON',
      streams(text('Hel'), data('{"choices": [{'), finish('stop')),
      'provider_failed',
      /invalid data instead of a chunk/,
    ],
    ['with a line that is no object', streams(data('42')), 'provider_failed', /It says: 42$/],
    [
      'with more sealed thoughts than any answer may hold',
      streams(
        Array.from({ length: 3 }, (_, index) =>
          delta({ reasoning_details: [{ index, sealed: ['x'.repeat(6 * 1024 * 1024)] }] }),
        ),
      ),
      'provider_failed',
      /more than an answer may hold/,
    ],
    [
      'that is a page',
      answersWith('text/html; charset=utf-8', '<html>Log in</html>'),
      'provider_failed',
      /text\/html.*base_url/,
    ],
    [
      'that is plain text',
      answersWith('text/plain', 'It works!'),
      'provider_failed',
      /other than a chat completion.*base_url/,
    ],
    [
      'that is an error object with status 200',
      answersWith('application/json', '{"error":{"message":"nope","code":"model_not_found"}}'),
      'provider_model',
      /nope/,
    ],
  ];
  for (const [title, reply, code, names] of table) {
    test(`${title} is ${code}`, async () => {
      server.script(reply);
      const { fault } = failed((await askWith()).end);
      assert.equal(fault.code, code);
      assert.match(fault.message, names);
    });
  }

  test('gives what came before the break to the sink', async () => {
    server.script(cuts('torn', 'Hel', 'lo'));
    assert.equal((await askWith()).text, 'Hello');
  });
});

describe('an endpoint that cannot be reached', () => {
  test('is provider_unreachable, with the host and what is wrong there', async () => {
    const gone = await startModelServer();
    await gone.close();
    const providers = { scripted: { base_url: `${gone.url}/secret-path`, model: 'm' } };
    const { fault } = failed((await askWith({ providers })).end);
    assert.equal(fault.code, 'provider_unreachable');
    assert.match(fault.message, /127\.0\.0\.1:\d+: no server listens there\. Check llm\.providers\.scripted\.base_url/);
    assert.doesNotMatch(fault.message, /secret-path/);
  });

  test('is provider_timeout if the connection does not stand in time', async (t) => {
    // TCP is accepted but the TLS handshake never answered.
    const mute = createServer();
    await once(mute.listen(0, '127.0.0.1'), 'listening');
    const sockets: { destroy(): void }[] = [];
    mute.on('connection', (socket) => sockets.push(socket.on('error', () => {})));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    const address = mute.address();
    assert.ok(address !== null && typeof address === 'object');
    const providers = { scripted: { base_url: `https://127.0.0.1:${address.port}/v1`, model: 'm' } };
    const { fault } = failed((await askWith({ providers, connectTimeoutMs: 50 })).end);
    assert.equal(fault.code, 'provider_timeout');
    assert.match(fault.message, /a connection in time.*llm\.connect_timeout/);
  });
});

describe('an endpoint without HTTP', () => {
  for (const [title, reply, names] of [
    [
      'garbage',
      'SSH-2.0-OpenSSH_9.6\r\n',
      /sent no valid HTTP response \(127\.0\.0\.1:\d+, HPE_\w+\)\. Check .*base_url/,
    ],
    [
      'an impossible status',
      'HTTP/1.1 799 No\r\ncontent-length: 0\r\n\r\n',
      /no valid HTTP response .*ERR_INVALID_RESPONSE/,
    ],
  ] as const) {
    test(`is provider_failed if it sends ${title}`, async (t) => {
      const rude = createServer((socket) => socket.on('error', () => {}).end(reply));
      await once(rude.listen(0, '127.0.0.1'), 'listening');
      t.after(() => rude.close());
      const address = rude.address();
      assert.ok(address !== null && typeof address === 'object');
      const providers = { scripted: { base_url: `http://127.0.0.1:${address.port}/v1`, model: 'm' } };
      const { fault } = failed((await askWith({ providers })).end);
      assert.equal(fault.code, 'provider_failed');
      assert.match(fault.message, names);
    });
  }
});

describe('a failed connection', () => {
  const [provider] = chooseProviders({
    active: 'scripted',
    fallback: [],
    providers: { scripted: { base_url: 'https://model.example/v1', model: 'm' } },
    env: {},
  });
  assert.ok(provider);
  const messageOf = (code: string) =>
    requestFailed({ provider, model: 'm', sizes: null }, Object.assign(new Error('no'), { code })).fault.message;

  for (const code of [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ]) {
    test(`names NODE_EXTRA_CA_CERTS after ${code}`, () => {
      assert.match(messageOf(code), /its certificate.*If a private CA issued it, set NODE_EXTRA_CA_CERTS/);
    });
  }

  test('does not name NODE_EXTRA_CA_CERTS after a certificate that has expired', () => {
    assert.doesNotMatch(messageOf('CERT_HAS_EXPIRED'), /NODE_EXTRA_CA_CERTS/);
  });

  test('names a code that has no description', () => {
    assert.match(messageOf('EADDRNOTAVAIL'), /the connection failed \(EADDRNOTAVAIL\)/);
  });
});

describe('a silent provider', () => {
  /** On a busy machine a request takes a while to arrive. */
  const impatient = { firstByteTimeoutMs: 1_000 };
  const restless = { stallTimeoutMs: 50 };
  const table: [title: string, reply: Reply, limits: typeof impatient | typeof restless, names: RegExp][] = [
    ['before the headers', hangs(), impatient, /nothing of an answer within 1 s.*llm\.first_byte_timeout/],
    ['after the headers', stalls(), impatient, /nothing of an answer within 1 s.*llm\.first_byte_timeout/],
    ['after a few words', stalls('Hel', 'lo'), restless, /stopped sending.*0\.05 s.*llm\.stall_timeout/],
  ];
  for (const [title, reply, limits, names] of table) {
    test(`${title} is provider_timeout, and its request is dropped`, async () => {
      const number = server.requests.length + 1;
      server.script(reply);
      const { fault } = failed((await askWith(limits)).end);
      assert.equal(fault.code, 'provider_timeout');
      assert.match(fault.message, names);
      assert.equal(await (await server.request(number)).end, 'aborted');
    });
  }

  test('is measured between bytes, not over the whole answer', async () => {
    server.script(says('a b c d e f g h', { delayMs: 60 }));
    const { text: said, end } = await askWith({ stallTimeoutMs: 400 });
    assert.deepEqual([said, end.status], ['a b c d e f g h', 'finished']);
  });

  test('after the finish has answered all the same', async () => {
    server.script(streams(text('Done.'), finish('stop'), { play: 'stall' }));
    const { text: said, end } = await askWith({ stallTimeoutMs: 50 });
    assert.deepEqual([said, end.status], ['Done.', 'finished']);
  });
});
