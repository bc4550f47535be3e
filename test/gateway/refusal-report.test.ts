/** Tests the report of refusals: all are counted, one line a minute for each kind is logged, and no line contains secrets. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRefusalReport, type Refused } from '../../src/gateway/admission/refusal-report.ts';
import { closeReason, type RefusalKind } from '../../src/refusal.ts';

function start() {
  const lines: Record<string, string | number>[] = [];
  const counts = new Map<RefusalKind, number>();
  let now = 5;
  const report = createRefusalReport({
    count: (kind) => void counts.set(kind, (counts.get(kind) ?? 0) + 1),
    log: (fields) => void lines.push(fields),
    nowMs: () => now,
  });
  const refused = (headers: Refused['headers']): Refused => ({ headers, socket: { remoteAddress: '127.0.0.1' } });
  return { lines, counts, refused, report, pass: (ms: number) => (now += ms) };
}

const host = { kind: 'host', key: 'chat.websocket.allowed_hosts' } as const;
const origin = { kind: 'origin', key: 'chat.websocket.allow_origins' } as const;

describe('the report of refusals', () => {
  it('counts all, and logs the first of each kind at once', () => {
    const { report, refused, lines, counts } = start();
    for (let each = 0; each < 5; each += 1) {
      report(host, refused({ host: `evil${each}.example` }));
      report(origin, refused({ host: 'localhost', origin: 'https://evil.example' }));
    }
    assert.deepEqual(
      [...counts],
      [
        ['host', 5],
        ['origin', 5],
      ],
    );
    assert.deepEqual(lines, [
      {
        reason: 'host',
        key: 'chat.websocket.allowed_hosts',
        address: '127.0.0.1',
        host: 'evil0.example',
        suppressed: 0,
      },
      {
        reason: 'origin',
        key: 'chat.websocket.allow_origins',
        address: '127.0.0.1',
        host: 'localhost',
        origin: 'https://evil.example',
        suppressed: 0,
      },
    ]);
  });

  it('logs again after a minute, with the number of suppressed refusals', () => {
    const { report, refused, lines, pass } = start();
    for (const ms of [0, 30_000, 29_999, 1, 60_000]) {
      pass(ms);
      report(host, refused({}));
    }
    assert.deepEqual(
      lines.map(({ suppressed }) => suppressed),
      [0, 2, 0],
    );
  });

  it('cuts and cleans text of a client, and omits users, paths and queries', () => {
    const { report, refused, lines } = start();
    report(
      host,
      refused({
        host: `a\u001b[31m${'b'.repeat(5000)}`,
        origin: 'https://user:secret@evil.example/secret?token=secret',
      }),
    );
    report(origin, refused({ host: 'secret@evil.example/secret', origin: `${'/'.repeat(3)}?secret` }));
    assert.equal(lines[0]?.['host'], `a?[31m${'b'.repeat(94)}...`);
    assert.equal(lines[0]?.['origin'], 'https://evil.example');
    assert.ok(!JSON.stringify(lines).includes('secret'));
  });
});

describe('the reason of a close', () => {
  for (const [name, text, bytes] of [
    ['short', 'no', 2],
    ['of 123 bytes', 'x'.repeat(123), 123],
    ['too long', 'x'.repeat(500), 123],
    ['cut between two characters', '\u{1F600}'.repeat(100), 120],
  ] as const) {
    it(`is cut to the size of a close frame: ${name}`, () => {
      const reason = closeReason(text);
      assert.equal(Buffer.byteLength(reason), bytes);
      assert.ok(text.startsWith(reason) && !reason.includes('\ufffd'));
    });
  }
});
