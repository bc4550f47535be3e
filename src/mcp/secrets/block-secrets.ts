/**
 * Collects the values of a server's block that may be secrets: headers, variables, keys in addresses and arguments, the OAuth
 * client secret. Pure.
 */
import type { ServerBlock } from '../config/server-block.ts';

/** Values, shorter and longer ones, without their encoded forms. */
export interface BlockSecrets {
  /** Secrets by their name or by their look. */
  sure: string[];
  /** Other values that a person wrote into the block. */
  possible: string[];
}

/** Of a secret. Shorter values occur in ordinary words. */
const MIN_CHARS = 6;

const KEY_NAME =
  /key|token|secret|passw|passphrase|pwd|auth|credential|cookie|session|signature|bearer|(?:^|[_-])(?:pat|sig)(?:$|[_-])/i;
/** Headers that say nothing about their sender. */
const PLAIN_HEADERS = /^(?:accept.*|content-type|user-agent|cache-control|connection|mcp-protocol-version)$/i;
/** Words, numbers, switches and local paths: they would be struck from texts that must stay readable. */
const PLAIN_VALUE = /^(?:[a-z]{1,12}|[\d.:,-]+|(?:\.{0,2}|~)\/.*|[a-z]:\\.*)$/i;
/** Prefixes of well-known keys, long runs of letters with digits, and UUIDs. */
const KEY_LOOK =
  /\b(?:(?:sk|pk|rk|gh[opsu]|github_pat|glpat|xox[abps]|ntn)[-_]|secret_|AKIA|eyJ)[\w-]{6,}|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{20,}|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/i;
/** Longer values are documents. Each value is searched in every text. */
const MAX_CHARS = 8_192;

/** Each value once, from `MIN_CHARS` to `MAX_CHARS` long: shorter ones are in every text. */
export function secretsOf(block: ServerBlock): BlockSecrets {
  const found = block.kind === 'http' ? ofHttp(block) : ofStdio(block);
  const long = (values: readonly string[]) =>
    [...new Set(values.map((value) => value.trim()))].filter(
      ({ length }) => length >= MIN_CHARS && length <= MAX_CHARS,
    );
  return { sure: long(found.sure), possible: long(found.possible) };
}

function ofHttp({ url, headers, oauth }: Extract<ServerBlock, { kind: 'http' }>): BlockSecrets {
  const ofHeaders = Object.entries(headers).filter(([name]) => !PLAIN_HEADERS.test(name));
  const address = ofAddress(url);
  return {
    sure: [
      ...ofHeaders.flatMap(([, value]) => [value, ...partsOfHeader(value)]),
      ...address.sure,
      ...(oauth?.client?.client_secret === undefined ? [] : [oauth.client.client_secret]),
    ],
    possible: address.possible,
  };
}

function ofStdio({ env, args }: Extract<ServerBlock, { kind: 'stdio' }>): BlockSecrets {
  const found = [...Object.entries(env).map(([name, value]) => ofNamed(name, value)), ...args.map(ofArgument(args))];
  return { sure: found.flatMap(({ sure }) => sure), possible: found.flatMap(({ possible }) => possible) };
}

/** A value under a name: of a variable, a flag or a part of a query. */
function ofNamed(name: string, value: string): BlockSecrets {
  const address = ofAddress(value);
  if (KEY_NAME.test(name)) return { sure: [value, ...partsOfHeader(value), ...address.sure], possible: [] };
  if (isAddress(value)) return address;
  if (isKeyLike(value)) return { sure: [value], possible: [] };
  return { sure: [], possible: PLAIN_VALUE.test(value) ? [] : [value] };
}

/** `--api-key VALUE`, `--api-key=VALUE`, `KEY=VALUE`, `Name: value`, addresses, and what looks like a key. */
const ofArgument =
  (args: readonly string[]) =>
  (arg: string, index: number): BlockSecrets => {
    const [, name, value] = /^(?:--?)?([\w.-]+)(?:=|:\s+)(.*)$/s.exec(arg) ?? [];
    if (name !== undefined && value !== undefined && !isAddress(arg)) return certain(ofNamed(name, value));
    const flag = /^--?([\w.-]+)$/.exec(args[index - 1] ?? '')?.[1];
    if (flag !== undefined && KEY_NAME.test(flag) && !arg.startsWith('-')) return certain(ofNamed(flag, arg));
    return certain(isAddress(arg) ? ofAddress(arg) : { sure: isKeyLike(arg) ? [arg] : [], possible: [] });
  };

/** Arguments are options and packages, unless they look like keys. */
function certain({ sure }: BlockSecrets): BlockSecrets {
  return { sure, possible: [] };
}

/** The user, the password, the query and the key-like parts of the path. */
function ofAddress(address: string): BlockSecrets {
  const url = URL.parse(address);
  if (url === null) return { sure: [], possible: [] };
  const [user, password] = [decoded(url.username), decoded(url.password)];
  const ofQuery = [...url.searchParams].map(([name, value]) =>
    KEY_NAME.test(name) || isKeyLike(value)
      ? { sure: [value], possible: [] }
      : { sure: [], possible: PLAIN_VALUE.test(value) ? [] : [value] },
  );
  return {
    sure: [
      ...(password === '' ? [user] : [password, `${user}:${password}`]),
      ...url.pathname.split('/').map(decoded).filter(isKeyLike),
      ...ofQuery.flatMap(({ sure }) => sure),
    ],
    possible: ofQuery.flatMap(({ possible }) => possible),
  };
}

/** `Name: value` is a URL too, of the scheme `name`. */
function isAddress(value: string): boolean {
  return value.includes('://') && URL.canParse(value);
}

function isKeyLike(value: string): boolean {
  return !/\s/.test(value) && !/[/\\]/.test(value) && KEY_LOOK.test(value);
}

/** `Bearer TOKEN`, and user and password of `Basic ...`. */
function partsOfHeader(value: string): string[] {
  const [, scheme = '', rest = ''] = /^(\S+)\s+(\S.*)$/.exec(value) ?? [];
  if (rest === '' || !/^[A-Za-z]+$/.test(scheme)) return [];
  if (!/^basic$/i.test(scheme)) return [rest];
  const pair = Buffer.from(rest, 'base64').toString();
  return [rest, pair, pair.slice(pair.indexOf(':') + 1)];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
