/** How many findings of each kind to show to people. */
const SHOWN = 20;

/** Keeps the first findings of each kind, however many there are. */
interface FirstFindings<F> {
  write(findings: readonly F[]): Promise<void>;
  /** Those kept, in the order in which they came. */
  readonly all: readonly F[];
}

/** None kept yet. */
export function firstFindings<F extends { readonly kind: string }>(): FirstFindings<F> {
  const all: F[] = [];
  const kept = new Map<string, number>();
  return {
    all,
    async write(findings) {
      for (const finding of findings) {
        const ofKind = kept.get(finding.kind) ?? 0;
        if (ofKind >= SHOWN) continue;
        kept.set(finding.kind, ofKind + 1);
        all.push(finding);
      }
    },
  };
}
