/** Gives child processes the compile cache of this test run, as an environment variable. Empty if there is no cache. */
const folder = process.env['NODE_COMPILE_CACHE'];

export const compileCache: Record<string, string> = folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
