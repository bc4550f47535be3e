/** What a command hands back to the process: what to print, line by line, and how it went. */
export interface CommandResult {
  lines: Iterable<string>;
  /** 0, or 1 when what was looked at is not as it should be. */
  exitCode: 0 | 1;
}
