/** Tests how the output of a stdio server is split into messages. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMessageBuffer } from '../../src/mcp/transport/message-buffer.ts';

const MAX_BYTES = 100;
const message = (text: string) => ({ jsonrpc: '2.0', id: 1, result: { text } });
const lineOf = (text: string) => `${JSON.stringify(message(text))}\n`;

function take(chunks: readonly (string | Buffer)[], read: (received: unknown) => unknown = (received) => received) {
  const buffer = createMessageBuffer(MAX_BYTES, read);
  return chunks.flatMap((chunk) => {
    buffer.append(Buffer.from(chunk));
    const taken = [];
    for (let next = buffer.next(); next !== null; next = buffer.next()) taken.push(next);
    return taken;
  });
}

describe('the output of a stdio server', () => {
  it('is split into messages, in any pieces', () => {
    const whole = Buffer.from(`${lineOf('é')}${lineOf('b')}`);
    const messages = [message('é'), message('b')];
    assert.deepEqual(take([whole]), messages);
    assert.deepEqual(take(Array.from(whole, (_byte, at) => whole.subarray(at, at + 1))), messages);
    assert.deepEqual(take([`${JSON.stringify(message('a'))}\r\n`]), [message('a')]);
  });

  it('may have lines that are no JSON', () => {
    assert.deepEqual(take(['Listening ...\n', '\n', lineOf('a'), '{ half\n', lineOf('b')]), [
      message('a'),
      message('b'),
    ]);
  });

  it('passes through the reader before it is parsed', () => {
    assert.deepEqual(
      take(['7\n'], () => message('read')),
      [message('read')],
    );
  });

  it('fails at JSON that is no JSON-RPC, and goes on after it', () => {
    const buffer = createMessageBuffer(MAX_BYTES, (received) => received);
    buffer.append(Buffer.from(`7\n${lineOf('a')}`));
    assert.throws(() => buffer.next());
    assert.deepEqual(buffer.next(), message('a'));
  });

  it('has a limit for each line, and none for all', () => {
    const line = 'x'.repeat(MAX_BYTES);
    assert.deepEqual(take([`${line}\n`, `${line}\n${line}`, '\n', lineOf('a')]), [message('a')]);
    assert.throws(() => take([`${line}x`]), /a message has more than 100 bytes/);
    assert.throws(() => take([line, 'x\n']), /a message has more than 100 bytes/);
  });
});
