/** Writes a drawing as an SVG file: with labels and the colours of the inspection page, light or dark as the reader prefers. */
export function standalone(svg: string): string {
  return `${svg.replace('>', `><style>${style}</style>`)}\n`;
}

const style = [
  'svg{background:#fff;font:12px system-ui,sans-serif;--ink:#1c2330;--soft:#5b6472;--line:#8a93a3;--box:#f4f6fa;--inner:#fff}',
  '@media(prefers-color-scheme:dark){svg{background:#14181f;--ink:#e6e9ef;--soft:#a3acbb;--line:#6d7788;--box:#1c222c;--inner:#252c38}}',
  '.state rect{fill:var(--inner);stroke:var(--line)}.state.compound>rect{fill:var(--box)}.state .inner{fill:none}',
  '.name{fill:var(--ink);font-size:13px;font-weight:500;text-anchor:middle}.compound>.name{text-anchor:start}',
  '.label,.exit{fill:var(--soft);font-size:10px}.exit{text-anchor:middle}.compound>.exit{text-anchor:start}',
  '.line{fill:none;stroke:var(--line)}.head,.start{fill:var(--line)}',
].join('');
