/** A progress bar on a terminal. */
export interface Bar {
  /** Removes it from the terminal, with everything that it has set there. */
  hide(): void;
  /** Draws it again after {@link hide}. */
  show(): void;
}

/** The bars on this process's terminal. A line written while one is shown would be cut off and overwritten. */
export interface Bars {
  readonly shown: Set<Bar>;
  /** Runs `write` while no bar is shown. */
  aside(write: () => void): void;
  /** Removes all bars for good, because the program is ending, even if work that shows one goes on. */
  end(): void;
}

/** No bars yet. */
export function createBars(): Bars {
  const shown = new Set<Bar>();
  return {
    shown,
    aside(write) {
      for (const bar of shown) bar.hide();
      try {
        write();
      } finally {
        for (const bar of shown) bar.show();
      }
    },
    end() {
      for (const bar of shown) bar.hide();
      shown.clear();
    },
  };
}
