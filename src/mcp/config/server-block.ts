/**
 * Declares the configuration of one MCP server: how to reach it, which tools to use, and which protocol revisions.
 * Types only; `servers-config.ts` reads them from the file.
 */
import type { OAuthSettings } from './oauth-settings.ts';
import type { ToolChoice } from '../connection/tool-listing.ts';

/**
 * `legacy`: the handshake up to 2025-11-25. `legacy_first`: the same, then the newest revision if the server rejects it.
 * `auto`: asks the server first. Otherwise one revision, such as `2026-07-28`.
 */
export type ProtocolChoice = 'legacy' | 'legacy_first' | 'auto' | { revision: string };

interface CommonKeys extends ToolChoice {
  name: string;
  /** Tools that are called without asking; a person approves the others. Null if the block does not say. */
  autoApprove: readonly string[] | null;
  /** Concurrent calls. Null for the configured default. */
  maxConcurrent: number | null;
  /** From the start to the list of tools, in ms. Null for the configured default. */
  startTimeoutMs: number | null;
  /** Of a call without progress, in ms. Null for the configured default. */
  toolTimeoutMs: number | null;
  protocol: ProtocolChoice;
}

/** A server that is a program. */
export interface StdioServer extends CommonKeys {
  kind: 'stdio';
  command: string;
  args: string[];
  /** Absolute. */
  cwd: string;
  /** Added to the few variables that every child gets. */
  env: Record<string, string>;
  /** The user and group that the program runs as. Null for those of Parley. */
  user: { uid: number; gid: number } | null;
}

/** A server at an address. */
export interface HttpServer extends CommonKeys {
  kind: 'http';
  url: string;
  headers: Record<string, string>;
  /** Null if OAuth is off. */
  oauth: OAuthSettings | null;
}

/** The block of one server. */
export type ServerBlock = StdioServer | HttpServer;
