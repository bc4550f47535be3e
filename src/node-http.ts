/**
 * Node's `http` without what an import of it loads besides: an ES module import reads every export, also `WebSocket`, and so
 * loads undici. That is a tenth of the server's start and 10 MB.
 */
export const nodeHttp = process.getBuiltinModule('node:http');
