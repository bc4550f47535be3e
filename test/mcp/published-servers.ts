/** The reference servers that the MCP project publishes, as blocks of the servers' file: other people's code, over stdio. */
import { join } from 'node:path';
import { compileCache } from '../support/compile-cache.ts';

const packages = join(import.meta.dirname, '..', '..', 'node_modules', '@modelcontextprotocol');

/** Tools, prompts and resources of every kind. */
export const everythingServer = {
  everything: {
    command: 'node',
    args: [join(packages, 'server-everything', 'dist', 'index.js'), 'stdio'],
    env: compileCache,
  },
};

/** Files below `folder`, and no others. */
export function filesystemServer(folder: string) {
  return {
    files: {
      command: 'node',
      args: [join(packages, 'server-filesystem', 'dist', 'index.js'), folder],
      env: compileCache,
    },
  };
}
