/**
 * Lets work go on where nobody reads stderr any more, as when a terminal is closed: its errors would otherwise end the
 * process in the midst of a swap, or of cleaning up.
 */
export function outliveStderr(): void {
  process.stderr.on('error', () => {});
}
