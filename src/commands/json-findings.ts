/** One JSON document, written piece by piece: however many findings there are, none are held. */
interface JsonFindings<F> {
  write(findings: readonly F[]): Promise<void>;
  /** @param report what is known only at the end */
  end(report: object): Promise<void>;
}

/** Writes `{"findings": […], …}`: the findings as they arrive, followed by the members of the report. */
export function jsonFindings<F>(write: (text: string) => Promise<void>): JsonFindings<F> {
  const opening = '{\n  "findings": [';
  let before = opening;
  return {
    async write(findings) {
      if (findings.length === 0) return;
      const lines = findings.map((finding) => `\n    ${JSON.stringify(finding)}`);
      await write(`${before}${lines.join(',')}`);
      before = ',';
    },
    async end(report) {
      const closing = before === opening ? `${opening}]` : '\n  ]';
      await write(`${closing},\n${JSON.stringify(report, undefined, 2).slice(2)}\n`);
    },
  };
}
