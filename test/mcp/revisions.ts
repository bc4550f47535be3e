/** Lists the revisions of MCP, and the spans of revisions that have a feature. */

/** All published revisions that are in use. */
export const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;

export type Revision = (typeof REVISIONS)[number];

export const isStateless = (revision: Revision) => revision >= '2026-07-28';

/** The revisions that have a feature; without limits, all of them. */
export interface Span {
  /** The first revision. */
  since?: Revision;
  /** The last revision. */
  until?: Revision;
}

export function isOf({ since, until }: Span, revision: Revision): boolean {
  return (since === undefined || revision >= since) && (until === undefined || revision <= until);
}
