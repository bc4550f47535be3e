/** Runs the paged server over stdio, in the revision of TEST_REVISION. The tests start it like any server. */
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { STATELESS, createPagedServer } from './mcp-paged-server.ts';

const { TEST_REVISION = STATELESS } = process.env;
const grown: string[] = [];
const create = () => createPagedServer(TEST_REVISION, grown, (server) => server.sendToolListChanged());

if (TEST_REVISION === STATELESS) serveStdio(create, { legacy: 'reject' });
else await create().connect(new StdioServerTransport());
