/**
 * Loaded by `node --import` before src/main.ts, which it leaves as it is: where the composition root asks for the
 * store it gets the held one, which asks for the real one.
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
