import * as z from 'zod'
import { problemDocument } from '../../admin/reply.ts'
import type { Policy } from '../../policy/schema.ts'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'
import { printProblems, readPolicy } from '../policy-file.ts'
import { connectLocally } from './local.ts'
import type { Where } from './options.ts'
import { connectRemotely } from './remote.ts'

/** One answer of the admin API. */
export interface Replied {
  readonly status: number
  readonly headers: Headers
  /** JSON; undefined when there is no body. */
  readonly body: unknown
}

export interface Asked {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The admin API, in another process or in this one: the commands do not know which. */
export interface Connection {
  ask(method: string, path: string, asked?: Asked): Promise<Replied>
  close(): Promise<void>
}

/** Does something with the admin API, and closes it whatever happens. */
export async function withAdmin<Result>(
  where: Where,
  io: Io,
  use: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection =
    where.admin === undefined
      ? await connectLocally(soundPolicy(where.policy, io), where.policy, io)
      : connectRemotely(where.admin, where.tokenFile, io)
  try {
    return await use(connection)
  } finally {
    await connection.close()
  }
}

/** The policy, or the end of the command. */
export function soundPolicy(file: string, io: Io): Policy {
  const loaded = readPolicy(file, io)
  if (loaded.ok) return loaded.policy
  throw new CommandFailure(1, printProblems(loaded.problems))
}

/** The body of a good answer; a refusal ends the command with everything that it says. */
export async function askFor<Schema extends z.ZodObject>(
  connection: Connection,
  schema: Schema,
  method: string,
  path: string,
  asked?: Asked,
): Promise<z.output<Schema>> {
  return bodyOf(await connection.ask(method, path, asked), schema)
}

/** The same of an answer that has come. A later version may answer more than this one knows, but not less. */
export function bodyOf<Schema extends z.ZodObject>(replied: Replied, schema: Schema): z.output<Schema> {
  if (replied.status >= 400) throw failureOf(replied)
  const parsed = schema.loose().safeParse(replied.body)
  if (parsed.success) return parsed.data as z.output<Schema>
  throw new CommandFailure(1, 'the answer is not that of an admin API which this version understands\n')
}

/** Asks for something that has no answer but its success. */
export async function askToDo(connection: Connection, method: string, path: string): Promise<void> {
  const replied = await connection.ask(method, path)
  if (replied.status >= 400) throw failureOf(replied)
}

/** What is wrong with what was asked is a matter of usage; all else is a problem. */
export function failureOf({ status, body }: Replied): CommandFailure {
  const said = refused.safeParse(body)
  const { detail, problems } = said.success
    ? said.data
    : { detail: `the admin API answered ${status}`, problems: [] }
  const lines = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  return new CommandFailure(
    status === 400 ? 2 : 1,
    `${(lines.length === 0 ? [detail] : lines).map(printable).join('\n')}\n`,
  )
}

/** What a refusal says, whatever else is in it. */
const refused = z.looseObject({ detail: z.string(), problems: problemDocument.shape.problems })

/** What a terminal could take for a command is escaped. */
export const printable = (text: string): string =>
  text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** A path with its parameters, none of which can leave its place. */
export const pathOf = (
  segments: readonly string[],
  query: Readonly<Record<string, string | number | null | undefined>> = {},
): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined) search.set(name, String(value))
  const path = `/v1/${segments.map(encodeURIComponent).join('/')}`
  return search.size === 0 ? path : `${path}?${search}`
}

/** Every item of a listing, page after page. */
export async function* itemsOf<Item extends z.ZodObject>(
  connection: Connection,
  item: Item,
  segments: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
): AsyncGenerator<z.output<Item>> {
  const schema = z.object({ items: z.array(item.loose()), next: z.string().nullable() })
  let after: string | null = null
  do {
    const path: string = pathOf(segments, { ...query, limit: 500, after })
    const page: z.output<typeof schema> = await askFor(connection, schema, 'GET', path)
    yield* page.items as z.output<Item>[]
    after = page.next
  } while (after !== null)
}
