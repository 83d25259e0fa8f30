/** A progress bar on a terminal. */
export interface Bar {
  /** Takes it off the terminal, with all that it has set there. */
  hide(): void;
  /** Draws it again after {@link hide}. */
  show(): void;
}

/** The bars that are on the terminal of this process. A line that is written beside one would be cut off and overwritten. */
export interface Bars {
  readonly shown: Set<Bar>;
  /** Has lines written while no bar is there. */
  aside(write: () => void): void;
  /** Takes all bars off the terminal for good: the program ends, also while work that shows one goes on. */
  end(): void;
}

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
