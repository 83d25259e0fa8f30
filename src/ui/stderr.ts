/**
 * Lets work go on when nobody reads stderr any more, as after a terminal is closed: otherwise its errors would end
 * the process in the middle of a swap or of cleaning up.
 */
export function outliveStderr(): void {
  process.stderr.on('error', () => {});
}
