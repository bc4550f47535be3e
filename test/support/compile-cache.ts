/** The variable that lets a child process share compiled code with the other processes of a test run; empty if there is no cache. */
const folder = process.env['NODE_COMPILE_CACHE'];

export const compileCache: Record<string, string> = folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
