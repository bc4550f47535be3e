/**
 * The path of a request, as its sender wrote it. Not through `URL`, which throws on some that any
 * client may send (`//` is enough), and a throw in a request handler ends the process.
 */
import type { IncomingMessage } from 'node:http';

/** Without the query. Not decoded: what Parley serves has plain names. */
export function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  return url.split('?', 1)[0] ?? url;
}
