/** Lists all attacks with their shares. Slow and costly ones are rare. */
import { connectAndDrop, exhaustConnections } from './attack-connections.ts';
import { breakFraming, splitFrames } from './attack-framing.ts';
import { sendBadHttp } from './attack-http.ts';
import { ignorePings, neverRead, withholdHandshake } from './attack-silence.ts';
import { connectUnauthenticated } from './attack-unauthenticated.ts';
import { sendInvalidRequests, flood, sendValidRequests } from './attack-requests.ts';
import type { Random } from './random.ts';
import type { AttackContext } from './attack-context.ts';

/** One connection, or one crowd, from beginning to end. Rejects with a Violation when the server broke a rule. */
export interface Attack {
  name: string;
  /** Mostly waits for the server's timeouts, so many of these run at once, besides the others. */
  isSlow: boolean;
  run(context: AttackContext): Promise<void>;
}

const quick = (share: number, run: Attack['run']) => ({ share, attack: { name: run.name, isSlow: false, run } });
const slow = (share: number, run: Attack['run']) => ({ share, attack: { name: run.name, isSlow: true, run } });

const shares: readonly { share: number; attack: Attack }[] = [
  quick(400, sendValidRequests),
  quick(200, sendInvalidRequests),
  quick(150, breakFraming),
  quick(60, splitFrames),
  quick(50, connectUnauthenticated),
  quick(30, connectAndDrop),
  quick(5, flood),
  quick(1, exhaustConnections),
  slow(60, sendBadHttp),
  slow(15, withholdHandshake),
  slow(15, ignorePings),
  slow(5, neverRead),
];

const total = shares.reduce((sum, { share }) => sum + share, 0);

export function pickAttack(random: Random): Attack {
  let place = random.int(1, total);
  for (const { share, attack } of shares) {
    place -= share;
    if (place <= 0) return attack;
  }
  throw new Error('the shares do not add up');
}
