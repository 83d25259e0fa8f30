/** What is to go wrong with requests that match. */
export interface Fault {
  /**
   * Name of the S3 API operation, such as `UploadPart`; every one without it. `DeleteObjectsEntry` is one key of a
   * DeleteObjects, which then is refused with the error's code while the others are deleted; of `DeleteObjectsUnnamed`
   * the refusal names no key.
   */
  readonly operation?: string;
  readonly key?: RegExp;
  /** How many matching requests it befalls; every one without it. */
  times?: number;
  /** How many matching requests it lets pass first. */
  after?: number;
  readonly what: /**
   * The answer is this error. With status 200 it looks well and has the error in its body, as CompleteMultipartUpload
   * may answer.
   */
    | { readonly kind: 'error'; readonly status: number; readonly code: string }
    /** The connection is closed without an answer, before or after the work was done. */
    | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
    /** The connection is closed after so many bytes of the answer's body. */
    | { readonly kind: 'cut'; readonly afterBytes: number }
    /** The answer's body is another one, and its length is that of it. */
    | { readonly kind: 'alter'; readonly to: (body: Buffer) => Buffer }
    /** The headers If-None-Match and If-Match are ignored. */
    | { readonly kind: 'unconditional' }
    /** A bit of the request's body is flipped before it is looked at. */
    | { readonly kind: 'corrupt' }
    /** The request waits until this promise is settled; `onHeld` is told that it does. */
    | { readonly kind: 'hold'; readonly until: Promise<unknown>; readonly onHeld?: () => void };
}

/** The fault that befalls this request, if any; counts it. */
export function takeFault(
  faults: readonly Fault[],
  operation: string,
  key: string,
): Fault['what'] | undefined {
  for (const fault of faults) {
    if (fault.operation !== undefined && fault.operation !== operation) continue;
    if (fault.key !== undefined && !fault.key.test(key)) continue;
    if (fault.after !== undefined && fault.after > 0) {
      fault.after -= 1;
      continue;
    }
    if (fault.times === 0) continue;
    if (fault.times !== undefined) fault.times -= 1;
    return fault.what;
  }
  return undefined;
}
