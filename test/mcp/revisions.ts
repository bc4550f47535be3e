/** The revisions of MCP, and which of them have a thing. */

/** All that have been published, and are spoken in the wild. */
export const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;

export type Revision = (typeof REVISIONS)[number];

export const isStateless = (revision: Revision) => revision >= '2026-07-28';

/** From when on, and how long; without either at every revision. */
export interface Span {
  /** The revision that brought it. */
  since?: Revision;
  /** The last one that has it. */
  until?: Revision;
}

export function isOf({ since, until }: Span, revision: Revision): boolean {
  return (since === undefined || revision >= since) && (until === undefined || revision <= until);
}
