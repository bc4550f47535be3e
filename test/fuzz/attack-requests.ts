/** Attacks with requests: sequences of valid or invalid ones, all of which must be answered. */
import { setTimeout as pause } from 'node:timers/promises';
import { mutate } from './mutations.ts';
import { createRequestSource } from './requests.ts';
import type { AttackContext } from './attack-context.ts';
import { openCheckedClient } from './checked-client.ts';

/** Sends mostly valid requests, in bursts, so that turns, cancels and deletions meet. */
export async function sendValidRequests(context: AttackContext): Promise<void> {
  await sendRequests(context, { max: 40, invalidShare: 0.2, mutatedShare: 0.03 });
}

/** Sends mostly invalid requests. The server may close the socket after too many. */
export async function sendInvalidRequests(context: AttackContext): Promise<void> {
  await sendRequests(context, { max: 40, invalidShare: 0.7, mutatedShare: 0.6 });
}

async function sendRequests(
  context: AttackContext,
  { max, invalidShare, mutatedShare }: { max: number; invalidShare: number; mutatedShare: number },
): Promise<void> {
  const { random } = context;
  const client = await openCheckedClient(context);
  const source = createRequestSource(random, context.names);
  for (let left = random.int(1, max); left > 0; left -= 1) {
    const text = JSON.stringify(source.next(invalidShare));
    client.send(random.chance(mutatedShare) ? mutate(text, random) : text);
    if (random.chance(0.3)) await pause(random.int(0, 20));
  }
  await client.finish();
}

/** Sends more requests at once than a burst may have. */
export async function flood(context: AttackContext): Promise<void> {
  const client = await openCheckedClient(context);
  const request = JSON.stringify({ action: 'ping', request_id: context.names.requestId() });
  for (let count = 0; count < beyondBurst; count += 1) client.send(request);
  await client.mustBeClosed('abuse');
}

/** `frame_burst`, plus what refills within two seconds, plus a margin. */
const beyondBurst = 1500;
