/**
 * A text in one line whose control characters can be seen (`\x1b`): users name files, and a terminal is not to obey
 * them, nor a line of the log to look like two.
 */
export function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** The same for a text of several lines, which stay. What may hold a line feed of its own has to be escaped before. */
export function escapeInLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n');
}

/** The same for what may be a stack trace: the lines of its calls and causes stay, and no others. */
export function escapeInStack(text: string): string {
  return text
    .split(/\n(?= {4}at |caused by )/)
    .map(escapeControls)
    .join('\n');
}
