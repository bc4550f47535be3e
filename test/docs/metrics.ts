/**
 * Writes docs/reference/metrics.md from the metrics that the server registers. Run it after a change of those:
 * node test/docs/metrics.ts. A test fails while the page is out of date.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMetrics } from '../../src/observability/metrics.ts';

const path = 'docs/reference/metrics.md';
/** Metrics of the process and of Node, which prom-client defines. */
const OF_NODE = /^parley_(?:process|nodejs)_/;

/** The generated file: its path within the project, and the text that belongs there. */
export async function metricsPage(): Promise<{ path: string; text: string }> {
  const zero = () => 0;
  const metrics = createMetrics({
    connections: zero,
    conversationsLive: zero,
    logCacheBytes: zero,
    writesQueued: zero,
    openTurns: zero,
    turnsQueued: zero,
    reload: () => ({ successful: true, succeededAtMs: 0 }),
    providers: () => [],
  });
  const text = await metrics.text();
  metrics.close();
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)$/gm)]
    .filter(([, name = '']) => !OF_NODE.test(name))
    .map(([, name, help, type]) => `| \`${name}\` | ${type} | ${help?.replaceAll('|', '\\|')} |`);
  return { path, text: `${opening}\n${rows.toSorted().join('\n')}\n` };
}

const opening = `# Metrics

<!-- Written by test/docs/metrics.ts from src/observability/metrics.ts. Change those, not this. -->

\`GET /metrics\` returns Prometheus text. With \`auth.mode: token\` it asks for a token of any subject:

\`\`\`yaml
scrape_configs:
  - job_name: parley
    authorization: { credentials: TOKEN }
    static_configs: [{ targets: ['localhost:8000'] }]
\`\`\`

Beside these there are the usual metrics of the process and of Node (\`parley_process_*\`, \`parley_nodejs_*\`).

| metric | type | what it is |
|---|---|---|`;

if (import.meta.main) {
  const { path: file, text } = await metricsPage();
  await writeFile(join(import.meta.dirname, '..', '..', file), text);
}
