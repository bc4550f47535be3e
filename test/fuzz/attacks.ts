/** All assaults, and how often each comes: the slow and the costly ones are the rare ones. */
import { comeAndGo, takeEveryPlace } from './attack-connections.ts';
import { breakFraming, splitFrames } from './attack-framing.ts';
import { talkHttp } from './attack-http.ts';
import { fallSilent, neverRead, neverShakeHands } from './attack-silence.ts';
import { comeUnknown } from './attack-unauthenticated.ts';
import { babble, flood, talkFluently } from './attack-requests.ts';
import type { Random } from './random.ts';
import type { Scene } from './attack-context.ts';

/** One connection's, or one crowd's, whole life. Rejects with a Breach when the server broke a rule. */
export interface Assault {
  name: string;
  /** Mostly waits for the server's time limits: many of these run at once, beside the others. */
  isPatient: boolean;
  run(scene: Scene): Promise<void>;
}

const quick = (share: number, run: Assault['run']) => ({ share, assault: { name: run.name, isPatient: false, run } });
const patient = (share: number, run: Assault['run']) => ({ share, assault: { name: run.name, isPatient: true, run } });

const shares: readonly { share: number; assault: Assault }[] = [
  quick(400, talkFluently),
  quick(200, babble),
  quick(150, breakFraming),
  quick(60, splitFrames),
  quick(50, comeUnknown),
  quick(30, comeAndGo),
  quick(5, flood),
  quick(1, takeEveryPlace),
  patient(60, talkHttp),
  patient(15, neverShakeHands),
  patient(15, fallSilent),
  patient(5, neverRead),
];

const total = shares.reduce((sum, { share }) => sum + share, 0);

export function pickAssault(random: Random): Assault {
  let place = random.int(1, total);
  for (const { share, assault } of shares) {
    place -= share;
    if (place <= 0) return assault;
  }
  throw new Error('the shares do not add up');
}
