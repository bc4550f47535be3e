/**
 * Reads for whom a server means content and tools: `audience` annotations, and the visibility of tools of MCP Apps. Pure.
 */
import type { ContentBlock, Tool as ListedTool } from '@modelcontextprotocol/client';
import { isObject } from '../../json.ts';

/** A reader of content, in MCP's words. */
export type Audience = 'user' | 'assistant';

/** False if the annotations name only the other audience. Without an audience, content is for both. */
export function isFor(annotated: Pick<ContentBlock, 'annotations'>, reader: Audience): boolean {
  const audience = annotated.annotations?.audience ?? [];
  return audience.length === 0 || audience.includes(reader);
}

/** True if one of the two readers must not see all of the content. */
export function differsByAudience(content: readonly ContentBlock[]): boolean {
  return content.some((block) => !isFor(block, 'user') || !isFor(block, 'assistant'));
}

/**
 * False for a tool that only the page of a server may call (MCP Apps, `_meta.ui.visibility` without `model`:
 * https://github.com/modelcontextprotocol/ext-apps/blob/main/specification/2026-01-26/apps.mdx).
 */
export function isForModel({ _meta }: Pick<ListedTool, '_meta'>): boolean {
  const ui = _meta?.['ui'];
  const visibility = isObject(ui) ? ui['visibility'] : undefined;
  return !Array.isArray(visibility) || visibility.includes('model');
}
