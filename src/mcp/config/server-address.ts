/** Reads the address and the headers of a server over HTTP. Pure. */
import { ServerProblem, describe } from './server-problem.ts';

/**
 * Trims address and headers, because many come from files, and moves `user:password` of the address into a header.
 * Throws ServerProblem.
 */
export function readAddress(
  written: string,
  stated: Record<string, string>,
  { urlPath, headersPath }: { urlPath: readonly PropertyKey[]; headersPath: readonly PropertyKey[] },
): { url: string; headers: Record<string, string> } {
  const url = URL.parse(written.trim());
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new ServerProblem(urlPath, `expected an http or https URL, found ${describe(withoutPassword(written))}`);
  const headers: Record<string, string> = {};
  const probe = new Headers();
  for (const [name, value] of Object.entries(stated)) {
    const trimmed = value.trim();
    try {
      probe.set(name, trimmed);
    } catch {
      const rule = 'a name has letters, digits and hyphens; a value has no line break and no letter beyond Latin-1';
      throw new ServerProblem([...headersPath, name], `this is not a valid HTTP header: ${rule}`);
    }
    headers[name] = trimmed;
  }
  if (url.username === '' && url.password === '') return { url: written.trim(), headers };
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  const isAuthorized = new Headers(headers).has('authorization');
  const basic = { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  return { url: url.href, headers: isAuthorized ? headers : { ...headers, ...basic } };
}

const withoutPassword = (url: string) => url.replace(/\/\/[^/@]*@/, '//');
