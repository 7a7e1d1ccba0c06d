/** Takes text as it comes. */
export interface TextSink {
  write(text: string): unknown
}

/** What a command may use of the process: handed in, so that a test can look at it. */
export interface Io {
  /** Takes results. */
  readonly stdout: TextSink
  /** Takes problems. */
  readonly stderr: TextSink
  /** What is piped in; the process's own unless given. */
  readonly stdin?: AsyncIterable<Uint8Array | string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where relative paths start. */
  readonly cwd: string
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean
}
