/** The outcome of writing to stdout. */
interface WatchedStdout {
  /** Waits until everything is written, and returns the first error; undefined if there was none. */
  failure(): Promise<NodeJS.ErrnoException | undefined>;
}

/** Collects the errors of stdout, which would otherwise end the process in the middle of its work. */
export function watchStdout(): WatchedStdout {
  let failure: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `list | head` closes the pipe early, which is not an error.
    if (error.code !== 'EPIPE') failure ??= error;
  });
  return {
    async failure() {
      // Writes, and their errors, are completed in order, so this one comes after all others.
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
      return failure;
    },
  };
}
