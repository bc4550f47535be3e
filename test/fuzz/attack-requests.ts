/** Assaults by requests: whole conversations of them, right or spoilt, all of them answered. */
import { setTimeout as pause } from 'node:timers/promises';
import { mutate } from './mutations.ts';
import { createRequestSource } from './requests.ts';
import type { AttackContext } from './attack-context.ts';
import { openCheckedClient } from './checked-client.ts';

/** Mostly right requests, in bursts, so that turns, cancels and deletions meet. */
export async function sendValidRequests(context: AttackContext): Promise<void> {
  await sendRequests(context, { max: 40, spoiltShare: 0.2, mutatedShare: 0.03 });
}

/** Mostly wrong ones; the server is allowed to lose its patience. */
export async function sendInvalidRequests(context: AttackContext): Promise<void> {
  await sendRequests(context, { max: 40, spoiltShare: 0.7, mutatedShare: 0.6 });
}

async function sendRequests(
  context: AttackContext,
  { max, spoiltShare, mutatedShare }: { max: number; spoiltShare: number; mutatedShare: number },
): Promise<void> {
  const { random } = context;
  const client = await openCheckedClient(context);
  const source = createRequestSource(random, context.names);
  for (let left = random.int(1, max); left > 0; left -= 1) {
    const text = JSON.stringify(source.next(spoiltShare));
    client.send(random.chance(mutatedShare) ? mutate(text, random) : text);
    if (random.chance(0.3)) await pause(random.int(0, 20));
  }
  await client.finish();
}

/** More requests at once than a burst may have. */
export async function flood(context: AttackContext): Promise<void> {
  const client = await openCheckedClient(context);
  const request = JSON.stringify({ action: 'ping', request_id: context.names.requestId() });
  for (let count = 0; count < beyondBurst; count += 1) client.send(request);
  await client.mustBeClosed('abuse');
}

/** `frame_burst`, what flows in again within two seconds, and then some. */
const beyondBurst = 1500;
