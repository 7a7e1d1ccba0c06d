/** Names as they stand in the file, those of faulty entries too: a typing error in one place is one problem. */
export interface Names {
  readonly roles: ReadonlySet<string>
  readonly limits: ReadonlySet<string>
  /** What may stand in a route's `credentials`. */
  readonly credentials: ReadonlySet<string>
}
