/**
 * Attacks without a token, with a wrong one, or with a good one in the wrong place. If the run uses tokens, the server
 * must answer with one error and close with 1008. Otherwise such clients are like all others.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { closeCodes } from '../../src/protocol/close-codes.ts';
import { frame as anyFrame } from '../../src/protocol/frames.ts';
import { Violation } from './violation.ts';
import { bearer } from './tokens.ts';
import type { Random } from './random.ts';
import type { Target } from './raw-socket.ts';
import { createRequestSource } from './requests.ts';
import { openRawWebSocket } from './raw-websocket.ts';
import type { AttackContext } from './attack-context.ts';
import { openCheckedClient } from './checked-client.ts';

const timeoutMs = 30_000;

/** Credential of an unauthenticated client that knows a good token, or a text as long. */
type BadCredential = (token: string, random: Random) => Partial<Target>;

const badCredentials: readonly BadCredential[] = [
  () => ({ credential: null }),
  () => ({ credential: bearer(createToken()) }),
  (token) => ({ credential: bearer(hashToken(token)) }),
  (token, random) => ({ credential: bearer(token.slice(0, random.int(1, token.length - 1))) }),
  (token, random) => ({ credential: bearer(`${token}${random.pick(['x', ',', '=', 'parley_'])}`) }),
  (token, random) => ({ credential: `Authorization: ${random.pick(['Basic', 'Token', 'Bearer:', ''])} ${token}` }),
  (token) => ({ credential: `Sec-WebSocket-Protocol: parley, parley.token.${token.toLowerCase()}` }),
  (token) => ({ credential: `Cookie: token=${token}` }),
];

/** Sends requests as soon as it is connected, before and after the server rejects it. */
export async function connectUnauthenticated(context: AttackContext): Promise<void> {
  const { random, names, tokens } = context;
  const [token = createToken()] = tokens?.attackers ?? [];
  const target = { ...context.target, ...random.pick(badCredentials)(token, random) };
  const source = createRequestSource(random, names);
  const requests = Array.from({ length: random.int(0, 5) }, () => JSON.stringify(source.next(0)));
  if (!tokens) {
    const client = await openCheckedClient({ ...context, target });
    for (const request of requests) client.send(request);
    return client.finish();
  }

  const received: string[] = [];
  const socket = await openRawWebSocket(target, {
    ...context,
    onText: (text) => void received.push(text),
    onPong: () => {},
  });
  context.count('sockets');
  for (const request of requests) socket.send(Buffer.from(request));
  const code = await Promise.race([socket.closed, pause(timeoutMs, null, { ref: false })]);
  context.count(`close ${code}`);
  if (code !== closeCodes.abuse.code)
    throw new Violation(`a client without a token was closed with ${code} instead of ${closeCodes.abuse.code}`);
  const frames = received.map((text) => anyFrame.parse(JSON.parse(text)));
  const [rejection] = frames;
  if (
    frames.length !== 1 ||
    rejection?.status !== 'error' ||
    rejection.error.code !== 'unauthorized' ||
    rejection.request_id !== null
  ) {
    throw new Violation(`a client without a token received ${JSON.stringify(received)}`);
  }
  return undefined;
}
