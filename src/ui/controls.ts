/**
 * Makes the control characters of a one-line text visible (`\x1b`, `\u202e`). Users name files: such a name must
 * neither control the terminal, nor change the order in which a line is read, nor make one line of the log look like
 * two.
 */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (control) => {
    const code = control.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

/** The text that {@link escapeControls} shows like this, unless it has the escapes themselves in it. */
export function unescapeControls(shown: string): string {
  return shown.replace(/\\x[0-9a-f]{2}|\\u[0-9a-f]{4}/g, (escaped) => {
    const control = String.fromCharCode(Number.parseInt(escaped.slice(2), 16));
    return escapeControls(control) === escaped ? control : escaped;
  });
}

/** As {@link escapeControls}, for lines of which each may name something with a line feed in it. */
export function joinLines(lines: readonly string[]): string {
  return lines.map(escapeControls).join('\n');
}

/** The same for a text of several lines, which are kept: those that {@link joinLines} has joined, and tables. */
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
