/**
 * Exports the typed client to plain JavaScript under Node. The client is TypeScript, which Node runs from version
 * 22.18. Under an older Node, the script is started again with the Node that run.sh installed in .node/. If that is
 * missing, the script exits with a message that names the required version.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../.node/node_modules/.bin/node', import.meta.url));
const script = process.argv.slice(1);

if (!process.features.typescript) {
  // TypeScript can be off under the installed Node too, through its options.
  const isNewer = existsSync(installed) && realpathSync(installed) !== realpathSync(process.execPath);
  if (isNewer && script.length > 0) process.exit(spawnSync(installed, script, { stdio: 'inherit' }).status ?? 1);
  process.stderr.write(
    `Parley's client needs Node 22.18 or newer, but this is Node ${process.versions.node}. Install a newer Node, or run ./run.sh once: it installs one in .node/, which the client then uses.\n`,
  );
  process.exit(1);
}

export const { connect } = await import('./client/client.ts');
export const { ParleyError } = await import('./client/errors.ts');
