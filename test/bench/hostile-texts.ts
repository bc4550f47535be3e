/**
 * Texts that make a tokenizer slow: long pieces without a break, for the thread and at the limit of inline counting.
 */
export const hostile: Record<string, string> = {
  'equal letters': 'a'.repeat(20_000),
  'equal letters at the inline limit': 'a'.repeat(4096),
  'capitals at the inline limit': 'Q'.repeat(4096),
  Chinese: '漢字'.repeat(50_000),
  'Chinese at the inline limit': '漢'.repeat(1365),
  spaces: `${' '.repeat(100_000)}x`,
  'spaces at the inline limit': `${' '.repeat(4095)}x`,
  'line ends': '\n'.repeat(100_000),
  'line ends at the inline limit': ' \n'.repeat(2048),
  'equals signs': '='.repeat(100_000),
  'equals signs at the inline limit': '='.repeat(4096),
  emoji: '😀'.repeat(50_000),
  'emoji at the inline limit': '👍🏽'.repeat(512),
  'combining marks': `e${'\u0301'.repeat(100_000)}`,
  'half a million capitals': 'É'.repeat(512 * 1024),
};
