/**
 * Attacks with WebSocket frames: those that RFC 6455 allows and few clients send, and those that it forbids. The server
 * answers legal ones as usual and closes on an illegal one with the code that the RFC names.
 */
import { closeCodes } from '../../src/protocol/close-codes.ts';
import { Violation } from './violation.ts';
import type { Random } from './random.ts';
import type { AttackContext } from './attack-context.ts';
import { openCheckedClient, type CheckedClient } from './checked-client.ts';
import { closePayload, encodeFrame, opcodes, type FrameForm } from './wire-frames.ts';

/** `max_message_size` of the configuration. */
const maxMessageBytes = 1_048_576;

type CloseCode = keyof typeof closeCodes;

interface IllegalFrame {
  closes: CloseCode;
  send(client: CheckedClient, random: Random): void;
}

const brokenUtf8 = ['ff', 'c0af', 'eda080', 'f4908080', 'e282', '80', 'f8888080'].map((hex) => Buffer.from(hex, 'hex'));
const ping = Buffer.from('{"action":"ping","request_id":"in-a-bad-frame"}');
const frame = (
  closes: CloseCode,
  payload: (random: Random) => Buffer,
  form: (random: Random) => Partial<FrameForm> = () => ({}),
): IllegalFrame => ({
  closes,
  send: ({ socket }, random) => socket.send(payload(random), form(random)),
});
const small = (random: Random) => random.bytes(random.int(0, 40));

const illegalFrames: readonly IllegalFrame[] = [
  frame('brokenText', (random) =>
    Buffer.concat([Buffer.from('{"action":"'), random.pick(brokenUtf8), Buffer.from('"}')]),
  ),
  frame('binary', small, () => ({ opcode: opcodes.binary })),
  frame('brokenFrame', small, (random) => ({ opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) })),
  frame(
    'brokenFrame',
    () => ping,
    (random) => ({ rsv: random.int(1, 7) }),
  ),
  frame(
    'brokenFrame',
    () => ping,
    () => ({ masked: false }),
  ),
  frame(
    'brokenFrame',
    () => ping,
    () => ({ opcode: opcodes.continuation }),
  ),
  frame(
    'brokenFrame',
    (random) => random.bytes(random.int(126, 300)),
    () => ({ opcode: opcodes.ping }),
  ),
  frame('brokenFrame', small, (random) => ({
    opcode: random.pick([opcodes.ping, opcodes.pong, opcodes.close]),
    fin: false,
  })),
  frame(
    'brokenFrame',
    () => Buffer.from([3]),
    () => ({ opcode: opcodes.close }),
  ),
  frame(
    'brokenFrame',
    (random) => closePayload(random.pick([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535])),
    () => ({ opcode: opcodes.close }),
  ),
  frame(
    'brokenText',
    (random) => closePayload(1000, random.pick(brokenUtf8)),
    () => ({ opcode: opcodes.close }),
  ),
  frame('tooLarge', () => Buffer.alloc(maxMessageBytes + 1, ' ')),
  frame('tooLarge', small, (random) => ({
    claimedLength: random.pick([
      BigInt(maxMessageBytes + 1),
      2n ** 31n,
      2n ** 32n,
      2n ** 53n,
      2n ** 63n,
      2n ** 64n - 1n,
    ]),
  })),
  {
    closes: 'brokenFrame',
    send({ socket }) {
      socket.send(ping.subarray(0, 10), { fin: false });
      socket.send(ping.subarray(10));
    },
  },
  {
    closes: 'tooLarge',
    send({ socket }) {
      socket.send(Buffer.alloc(1), { fin: false });
      for (let part = 0; part < 5; part += 1)
        socket.send(Buffer.alloc(maxMessageBytes / 4, ' '), { fin: false, opcode: opcodes.continuation });
    },
  },
  {
    // The parts are empty, so they never reach a size limit. `ws` limits their number.
    closes: 'abuse',
    send({ socket }) {
      socket.send(Buffer.alloc(0), { fin: false });
      const nothing = encodeFrame(Buffer.alloc(0), { fin: false, opcode: opcodes.continuation });
      socket.raw.write(Buffer.concat(Array.from({ length: 20_000 }, () => nothing)));
    },
  },
];

/** Sends a valid request, then one illegal frame. The server answers the request and closes with the right code. */
export async function breakFraming(context: AttackContext): Promise<void> {
  const { random } = context;
  const client = await openCheckedClient(context);
  if (random.chance(0.5)) client.send(JSON.stringify({ action: 'tools', request_id: context.names.requestId() }));
  const { closes, send } = random.pick(illegalFrames);
  send(client, random);
  await client.mustBeClosed(closes);
  if (client.missing().length > 0)
    throw new Violation(`no answer to what came before the bad frame: ${client.missing().join('; ')}`);
}

/** Sends requests in fragments with pings between them, and splits the bytes again. */
export async function splitFrames(context: AttackContext): Promise<void> {
  const { random } = context;
  const client = await openCheckedClient(context);
  const pings: string[] = [];
  for (let left = random.int(1, 5); left > 0; left -= 1) {
    const text = JSON.stringify({
      action: 'ping',
      request_id: context.names.requestId(),
      payload: { note: 'Grüße, 你好 🙂' },
    });
    client.expectAnswerTo(text);
    await client.socket.writeInSteps(
      Buffer.concat(fragments(Buffer.from(text), random, pings)),
      random.pick([1, 2, 7, 100, 100_000]),
    );
  }
  await client.finish();
  if (client.pongs.join() !== pings.join())
    throw new Violation(`${pings.length} pings were answered with ${client.pongs.length} pongs, or with others`);
}

/** Splits anywhere, also within a character. Puts some pings and unrequested pongs before the fragments. */
function fragments(text: Buffer, random: Random, pings: string[]): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  for (let opcode: number = opcodes.text; at < text.length; opcode = opcodes.continuation) {
    if (random.chance(0.3)) {
      const payload = random.bytes(random.int(0, 125));
      const isPing = random.chance(0.5);
      if (isPing) pings.push(payload.toString('latin1'));
      frames.push(encodeFrame(payload, { opcode: isPing ? opcodes.ping : opcodes.pong }));
    }
    const end = Math.min(text.length, at + random.int(0, 40));
    frames.push(encodeFrame(text.subarray(at, end), { fin: end === text.length, opcode }));
    at = end;
  }
  return frames;
}
