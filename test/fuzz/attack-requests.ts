/** Assaults by requests: whole conversations of them, right or spoilt, all of them answered. */
import { setTimeout as pause } from 'node:timers/promises';
import { mutate } from './mutations.ts';
import { createRequestSource } from './requests.ts';
import type { Scene } from './attack-context.ts';
import { startTalk } from './checked-client.ts';

/** Mostly right requests, in bursts, so that turns, cancels and deletions meet. */
export async function talkFluently(scene: Scene): Promise<void> {
  await converse(scene, { most: 40, spoiltShare: 0.2, mutatedShare: 0.03 });
}

/** Mostly wrong ones; the server is allowed to lose its patience. */
export async function babble(scene: Scene): Promise<void> {
  await converse(scene, { most: 40, spoiltShare: 0.7, mutatedShare: 0.6 });
}

async function converse(
  scene: Scene,
  { most, spoiltShare, mutatedShare }: { most: number; spoiltShare: number; mutatedShare: number },
): Promise<void> {
  const { random } = scene;
  const talk = await startTalk(scene);
  const source = createRequestSource(random, scene.names);
  for (let left = random.int(1, most); left > 0; left -= 1) {
    const text = JSON.stringify(source.next(spoiltShare));
    talk.say(random.chance(mutatedShare) ? mutate(text, random) : text);
    if (random.chance(0.3)) await pause(random.int(0, 20));
  }
  await talk.finish();
}

/** More requests at once than a burst may have. */
export async function flood(scene: Scene): Promise<void> {
  const talk = await startTalk(scene);
  const request = JSON.stringify({ action: 'ping', request_id: scene.names.requestId() });
  for (let count = 0; count < beyondBurst; count += 1) talk.say(request);
  await talk.mustBeClosed('abuse');
}

/** `frame_burst`, what flows in again within two seconds, and then some. */
const beyondBurst = 1500;
