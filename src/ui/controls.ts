/**
 * Makes the control characters of a one-line text visible (`\x1b`). Users name files: such a name must neither
 * control the terminal nor make one line of the log look like two.
 */
export function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/**
 * The same for a text of several lines, which are kept. Parts that may contain a line feed must be escaped
 * beforehand.
 */
export function escapeInLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n');
}

/** The same for what may be a stack trace: only the line breaks before its calls and causes are kept. */
export function escapeInStack(text: string): string {
  return text
    .split(/\n(?= {4}at |caused by )/)
    .map(escapeControls)
    .join('\n');
}
