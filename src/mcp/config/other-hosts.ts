/**
 * Reads keys of a server's block that other hosts use for the same things, and finds keys that Parley must not ignore. Case,
 * hyphens and underscores of a key do not count. Pure.
 */
import { z } from 'zod';

/** What the keys of other hosts say about one server. */
export interface ForeignKeys {
  /** Lists of tools to offer. A tool has to be in all of them. */
  include: readonly string[][];
  exclude: readonly string[];
  /** Tools that are called without asking; a person approves the others. Null if no key says so. */
  autoApprove: readonly string[] | null;
  /** False for a server that the other host does not use. */
  isActive: boolean;
  startTimeoutMs: number | null;
  toolTimeoutMs: number | null;
  /** Keys that have no effect in Parley. */
  ignored: readonly string[];
}

/** Thrown for a key that Parley cannot follow. `key` is as written; the message follows its path. */
export class ForeignKeyProblem extends Error {
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

// Codex, GitHub Copilot, Claude and others for the first; Kiro, Windsurf, Roo Code, Codex and others for the second.
const INCLUDE = [
  'includedtools',
  'includetools',
  'enabledtools',
  'enabletools',
  'allowedtools',
  'allowtools',
  'allowlist',
  'toolallowlist',
  'whitelist',
  'tools',
];
const EXCLUDE = [
  'excludedtools',
  'excludetools',
  'disabledtools',
  'disabletools',
  'disallowedtools',
  'blockedtools',
  'deniedtools',
  'denytools',
  'hiddentools',
  'blocklist',
  'denylist',
  'toolblocklist',
  'tooldenylist',
  'blacklist',
];
// Cline, Kiro and Windsurf; Roo Code.
const APPROVE = ['autoapprove', 'autoapprovedtools', 'alwaysallow', 'alwaysallowedtools', 'trustedtools'];
const ACTIVE = ['isactive', 'active', 'isenabled'];
/** Factor to ms. Null: some hosts use seconds and some ms. */
const START_TIMEOUT: Record<string, number | null> = {
  startuptimeoutsec: 1000,
  startuptimeoutms: 1,
  startuptimeout: null,
  starttimeoutsec: 1000,
  inittimeout: 1,
};
const TOOL_TIMEOUT: Record<string, number | null> = {
  tooltimeoutsec: 1000,
  tooltimeoutms: 1,
  timeout: null,
  requesttimeout: null,
  calltimeout: null,
};
/** Keys that restrict a server in ways that Parley does not have. */
const UNSUPPORTED = [
  'requireapproval',
  'requiresapproval',
  'requireconfirmation',
  'permission',
  'permissions',
  'toolpermissions',
  'toolfilter',
  'toolsettings',
  'toolconfiguration',
  'readonly',
  'sandbox',
  'sandboxenabled',
];
/** Descriptions, and the kind of transport that the other keys show anyway. */
const WITHOUT_EFFECT = [
  'type',
  'transport',
  'transporttype',
  'name',
  'displayname',
  'title',
  'description',
  'icon',
  'icons',
  'version',
  'id',
  'comment',
  'note',
  'notes',
  'gallery',
  'homepage',
  'author',
  'tags',
  'category',
  'metadata',
];

/** Below it, a time without a unit is in seconds, from it on in ms. */
const FIRST_MS = 1000;

const names = z.array(z.string());

const bare = (key: string) => key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
const isUnset = (value: unknown) =>
  value === null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);

/** True for a key of this page, so that it is not taken for a misspelt key of Parley. */
export function isForeign(key: string): boolean {
  const known = [
    INCLUDE,
    EXCLUDE,
    APPROVE,
    ACTIVE,
    UNSUPPORTED,
    WITHOUT_EFFECT,
    Object.keys(START_TIMEOUT),
    Object.keys(TOOL_TIMEOUT),
  ];
  return known.some((list) => list.includes(bare(key)));
}

/** `own`: the keys that Parley reads itself. Throws `ForeignKeyProblem`. */
export function readForeignKeys(block: Record<string, unknown>, own: readonly string[]): ForeignKeys {
  const entries = Object.entries(block)
    .filter(([key, value]) => !own.includes(key) && value !== null)
    .map(([key, value]) => ({ key, kind: bare(key), value }));
  const of = (kinds: readonly string[]) => entries.filter(({ kind }) => kinds.includes(kind));
  const toolsIn = ({ key, value }: (typeof entries)[number]): string[] => {
    const parsed = names.safeParse(value);
    if (!parsed.success)
      throw new ForeignKeyProblem(
        key,
        'expected an array with the names of tools; "includeTools" and "excludeTools" are Parley\'s own keys',
      );
    return parsed.data;
  };
  const unsupported = of(UNSUPPORTED).find(({ value }) => !isUnset(value));
  if (unsupported !== undefined)
    throw new ForeignKeyProblem(
      unsupported.key,
      'this key of another host restricts the server, and Parley cannot follow it; use "excludeTools" or chat.service.tools.permission, and remove the key',
    );
  const approved = of(APPROVE).map((entry) =>
    entry.value === true ? ['*'] : entry.value === false ? [] : toolsIn(entry),
  );
  const timeOf = (factors: Record<string, number | null>) => {
    const [entry] = of(Object.keys(factors));
    return entry === undefined ? null : timeIn(entry.key, entry.value, factors[entry.kind] ?? null);
  };
  return {
    include: of(INCLUDE)
      .map(toolsIn)
      .filter((list) => !list.includes('*')),
    exclude: of(EXCLUDE).flatMap(toolsIn),
    // Some hosts write an empty list into every block.
    autoApprove: approved.flat().length > 0 ? approved.flat() : null,
    isActive: of(ACTIVE).every(({ value }) => value !== false),
    startTimeoutMs: timeOf(START_TIMEOUT),
    toolTimeoutMs: timeOf(TOOL_TIMEOUT),
    ignored: entries
      .filter(({ key, kind, value }) => !isForeign(key) || (APPROVE.includes(kind) && isUnset(value)))
      .map(({ key }) => key),
  };
}

function timeIn(key: string, value: unknown, factor: number | null): number {
  const time = Number(value);
  if (!(time > 0)) throw new ForeignKeyProblem(key, 'expected a number of seconds or milliseconds above 0');
  return Math.round(time * (factor ?? (time < FIRST_MS ? 1000 : 1)));
}
