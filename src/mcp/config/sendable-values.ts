/**
 * Checks values of a server's block that no request or process can take. Later, Node's errors would quote them, and they may
 * be secrets. The messages here name only the key.
 */
import type { StdioServer } from './server-block.ts';
import { ServerProblem } from './server-problem.ts';

type Path = readonly PropertyKey[];

/** RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What a header takes: tabs, and visible characters of Latin-1. */
const HEADER_VALUE = /^[\t\x20-\x7E\x80-\xFF]*$/;

/** The value without white space at its ends, which files often add and `fetch` removes. Throws ServerProblem. */
export function checkedHeader(name: string, value: string, path: Path): string {
  if (!HEADER_NAME.test(name))
    throw new ServerProblem(path, 'is no name of an HTTP header; write letters, digits and "-"');
  const trimmed = value.trim();
  if (!HEADER_VALUE.test(trimmed))
    throw new ServerProblem(
      path,
      'the value does not fit in an HTTP header: it has a line break, a control character or a character beyond Latin-1; copy it again without them',
    );
  return trimmed;
}

/** `fetch` takes no address with a user or a password, and its error quotes both. Throws ServerProblem. */
export function checkAddress(address: string, path: Path): void {
  const { username = '', password = '' } = URL.parse(address) ?? {};
  if (username !== '' || password !== '')
    throw new ServerProblem(
      path,
      'the address has a user or a password, which HTTP requests do not take; write them as a header, "Authorization": "Basic ..."',
    );
}

/** Throws ServerProblem for a text with a null character, which no process takes. */
export function checkProcess({ command, args, cwd, env }: StdioServer, at: Path): void {
  const values: readonly (readonly [Path, string])[] = [
    [['command'], command],
    [['cwd'], cwd],
    ...args.map((arg, index) => [['args', index], arg] as const),
    ...Object.entries(env).map(([name, value]) => [['env', name], `${name}${value}`] as const),
  ];
  const [found] = values.find(([, value]) => value.includes('\0')) ?? [];
  if (found !== undefined)
    throw new ServerProblem([...at, ...found], 'has a null character, which no process takes; remove it');
}
