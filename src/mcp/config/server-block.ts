/**
 * What is stated of one MCP server: how to reach it, what of it may be used, and by which revisions it may be spoken to.
 * Types only; `servers-config.ts` reads them from the file.
 */
import type { OAuthSettings } from './oauth-settings.ts';
import type { ToolChoice } from '../connection/tool-listing.ts';

/**
 * `legacy`: the handshake up to 2025-11-25; `legacy_first`: where the server refuses it, the newest revision; `auto`: ask
 * the server first; else one revision, such as `2026-07-28`.
 */
export type ProtocolChoice = 'legacy' | 'legacy_first' | 'auto' | { revision: string };

export interface StdioServer extends ToolChoice {
  kind: 'stdio';
  name: string;
  command: string;
  args: string[];
  /** Absolute. */
  cwd: string;
  /** In addition to the few variables that every child gets. */
  env: Record<string, string>;
  /** Calls that it is at work on at once; null: as many as the configuration says. */
  maxConcurrent: number | null;
  protocol: ProtocolChoice;
}

export interface HttpServer extends ToolChoice {
  kind: 'http';
  name: string;
  url: string;
  headers: Record<string, string>;
  /** Calls that it is at work on at once; null: as many as the configuration says. */
  maxConcurrent: number | null;
  protocol: ProtocolChoice;
  /** How to be authorized where the server asks for it; null where that is not to be tried. */
  oauth: OAuthSettings | null;
}

export type ServerBlock = StdioServer | HttpServer;
