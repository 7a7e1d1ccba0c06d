/** A command that cannot do what it was asked: how the process ends, and what it says on standard error. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  /** 1 for problems, 2 for wrong usage. */
  readonly exitCode: 1 | 2

  constructor(exitCode: 1 | 2, text: string) {
    super(text)
    this.exitCode = exitCode
  }
}
