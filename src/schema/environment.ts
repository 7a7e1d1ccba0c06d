/** Where a policy's references lead. */
export interface Environment {
  variable(name: string): string | undefined
  /** @throws when there is no such file, or it cannot be read */
  readFile(path: string): string
}
