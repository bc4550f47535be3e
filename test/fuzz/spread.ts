import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChildren } from '../bench/children.ts';
import { runCampaign } from './campaign.ts';
for (const seed of process.argv.slice(2).map(Number)) {
  const children = createChildren();
  const folder = await mkdtemp(join(tmpdir(), 'parley-fuzz-'));
  const r = await runCampaign(children, folder, { seed, calmSeconds: 0.5, rounds: 2, roundSeconds: 1.5, only: null, note() {} });
  console.log(seed, r.atRest.map((x) => `${x.heapMegabytes}/${x.rssMegabytes}`).join(' '), (r.atRest[2]!.rssMegabytes / r.atRest[1]!.rssMegabytes).toFixed(3), r.complaints.length, r.breaches.length, JSON.stringify(Object.fromEntries(Object.entries(r.counts).filter(([k])=>/never|flood|every|come/.test(k)))));
  await children.stopAll(); await rm(folder, { recursive: true, force: true });
}
process.exit(0);
