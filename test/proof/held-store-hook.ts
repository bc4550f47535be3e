/**
 * Puts the held store in the place of the real one. `node --import` loads this before src/main.ts, which stays as it
 * is. Only the import of the composition root is redirected, and the held store wraps the real one.
 */
import { registerHooks } from 'node:module';

const root = new URL('../../src/server/store.ts', import.meta.url).href;
const held = new URL('held-store.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const isStore = specifier === '../store/store.ts' && context.parentURL === root;
    return isStore ? { url: held, shortCircuit: true } : next(specifier, context);
  },
});
