/**
 * Exports the typed client to plain JavaScript under Node. The client is TypeScript, which Node runs from 22.18 on.
 * Under an older Node, the script starts once more with the Node that run.sh has installed in .node/. Without that,
 * it ends with a sentence that says which Node it needs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../.node/node_modules/.bin/node', import.meta.url));
const script = process.argv.slice(1);

if (!process.features.typescript) {
  // Also under the installed Node, if its options have switched TypeScript off.
  const isNewer = existsSync(installed) && realpathSync(installed) !== realpathSync(process.execPath);
  if (isNewer && script.length > 0) process.exit(spawnSync(installed, script, { stdio: 'inherit' }).status ?? 1);
  process.stderr.write(
    `Parley's client needs Node 22.18 or newer, and this is Node ${process.versions.node}. Install a newer one, or run ./run.sh once: it brings one into .node/, which is used from then on.\n`,
  );
  process.exit(1);
}

export const { connect } = await import('./client/client.ts');
export const { ParleyError } = await import('./client/errors.ts');
