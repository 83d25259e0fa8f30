/** An S3 server of another maker, on loopback, for the conformance suite. */
export interface RealS3Server {
  /** What it is and its version, such as `OpenStack Swift 2.30.1`. */
  readonly name: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** The last lines of what its processes printed. */
  logs(): string;
  /** Ends it and waits for its end; its files stay. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Takes all of its files; it has to exist under directories that everybody may traverse. */
  readonly directory: string;
  readonly signal?: AbortSignal;
}
