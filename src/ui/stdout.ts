/** What has become of what was written to stdout. */
export interface WatchedStdout {
  /** Waits until all of it is written, and returns the first error; undefined where there was none. */
  failure(): Promise<NodeJS.ErrnoException | undefined>;
}

/** Keeps the errors of stdout, which would otherwise end the process in the midst of its work. */
export function watchStdout(): WatchedStdout {
  let failure: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `list | head` closes the pipe early, which is no failure of ours.
    if (error.code !== 'EPIPE') failure ??= error;
  });
  return {
    async failure() {
      // Of writes and their errors, those before it come first.
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
      return failure;
    },
  };
}
