/** A progress bar on a terminal. */
export interface Bar {
  /** Takes it off the terminal, with all that it has set there; nothing where it is not shown. */
  hide(): void;
  /** Draws it again where {@link hide} has taken it off. */
  show(): void;
}

/** The bars that are on the terminal. A line that is written beside one would be cut off and overwritten. */
export interface Bars {
  readonly shown: Set<Bar>;
  /** Has lines written while no bar is there. */
  aside(write: () => void): void;
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
  };
}
