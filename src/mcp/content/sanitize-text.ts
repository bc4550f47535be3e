/**
 * Sanitizes untrusted texts for people, models and terminals: removes characters that hide or reorder text. Applied at every
 * border: texts of MCP servers and of providers. Pure.
 */

/**
 * Matches control sequences of terminals (ECMA-48, section 5.4 and 8.3): colors and movements, strings such as links and titles,
 * character sets, single functions. Reads each character a bounded number of times. The expression of Node's
 * `stripVTControlCharacters` takes hours for a megabyte of `ESC ]8;;`.
 */
const CONTROL_SEQUENCES =
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  /(?:\u001b\[|\u009b)[0-?]{0,64}[ -/]{0,8}[@-~]|(?:\u001b[\]PX^_]|\u009d)[^\u0007\u001b\u009c\u009d]*(?:\u0007|\u001b\\|\u009c)|\u001b[()#*+%][0-9A-Za-z]|\u001b[0-9=><A-OQ-WYZc-n|}~]/g;

/**
 * Matches what is removed, and in group 1 what stays. Removed are C0 and C1 controls except tab and newline, line
 * separators, annotation marks, and all code points that Unicode shows as nothing (`Default_Ignorable_Code_Point`): direction
 * marks, zero-width characters, fillers, variation selectors and tags. Such characters can hide a text from people.
 *
 * These stay, because they change what people see and carry no hidden text: one variation selector behind an emoji, the one
 * of a keycap, a joiner between two emoji, and a joiner between letters of a script that needs it. A flag of tags (England)
 * becomes a black flag.
 */
const INVISIBLE =
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  /((?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]?)\u200d(?=\p{Extended_Pictographic})|(?<=(?![\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Han}])[\p{L}\p{M}])[\u200c\u200d](?=[\p{L}\p{M}]))|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufff9-\ufffb]|\p{Default_Ignorable_Code_Point}/gu;

/** Returns the sanitized text. It is well-formed, because providers reject half a surrogate pair. */
export function sanitizeText(text: string): string {
  return text.replace(CONTROL_SEQUENCES, '').replace(INVISIBLE, '$1').toWellFormed();
}

/** Returns at most `maxChars` UTF-16 units of the sanitized text, without half a surrogate pair. */
export function sanitizeToLength(text: string, maxChars: number): string {
  return sanitizeText(text).slice(0, maxChars).trim().toWellFormed();
}

/** The same in one line, for names and titles: a line break would begin a text that looks like Parley's own. */
export function sanitizeToLine(text: string, maxChars: number): string {
  return sanitizeToLength(text.replaceAll(/[\s\u2028\u2029]+/gu, ' '), maxChars);
}

/** Whether a name or a URI may be used as it is. It cannot be changed, because the server knows it by this text. */
export function isPresentable(text: string): boolean {
  return !/[\n\t]/.test(text) && text === sanitizeText(text);
}
