/** An answer before it takes the form that a runtime has for one. */
export interface Answer {
  readonly status: number
  /** Names and values by turns, as Node writes them. No name stands there twice. */
  readonly headers: readonly string[]
  readonly body: string | null
}

/** The same for runtimes that speak in Fetch's terms. */
export function responseOf({ status, headers, body }: Answer): Response {
  const record: Record<string, string> = {}
  // A plain object: @hono/node-server and workerd make a Headers of it only when somebody asks for one.
  for (let at = 0; at < headers.length; at += 2) record[headers[at] as string] = headers[at + 1] as string
  return new Response(body, { status, headers: record })
}
