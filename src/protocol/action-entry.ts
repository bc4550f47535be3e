/** Defines an entry of the table of actions (actions.ts). Types only. */
import type { z } from 'zod';

/** The limits that a payload is checked against, from the configuration. */
export interface ProtocolLimits {
  /** UTF-16 units of a chat's text. */
  maxTextLength: number;
  /** Bytes of a chat's metadata as JSON. */
  maxMetadataBytes: number;
  /** Models that a chat may name. */
  allowedModels: readonly string[];
  /** Levels of nested objects and arrays in a frame, the frame included. */
  maxDepth: number;
}

/** One action in the table. */
export interface ActionEntry {
  /** Schema of the request's `payload`. Unknown fields are dropped, so a validated payload is a fresh object. */
  payload(limits: ProtocolLimits): z.ZodType;
  /** Schema of `result` in the response. Null if the frames of a turn answer the action. */
  result: z.ZodType | null;
}
