import { randomBytes, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { mintKey } from '../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../src/ports/node-crypto.ts'

/** The secrets that examples/quickstart.yaml refers to, and credentials made with them: new at each start. */
export interface Quickstart {
  readonly environment: Readonly<Record<string, string>>
  readonly apiKey: string
  /** A token for these roles that is good for twelve hours. */
  token(roles: readonly string[]): Promise<string>
}

type Fields = Readonly<Record<string, string>>

export function mintQuickstart(): Quickstart {
  const secret = randomBytes(32).toString('hex')
  const pepper = randomBytes(32).toString('hex')
  const apiKey = mintKey('ak', 'acme', pepper, hmacSha256, () => randomBytes(1)[0] ?? 0)
  return {
    environment: {
      QUICKSTART_JWT_SECRET: secret,
      QUICKSTART_PEPPER: pepper,
      QUICKSTART_KEY_DIGEST: `hmac-sha256:v1:${hmacSha256(pepper, apiKey)}`,
    },
    apiKey,
    token: (roles) =>
      new SignJWT({ roles: [...roles], tenant: 'acme', email: 'ann@acme.example' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer('https://issuer.quickstart.example')
        .setAudience('quickstart')
        .setSubject('ann')
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime('12h')
        .sign(new TextEncoder().encode(secret)),
  }
}

/** A comment that says what is shown, and a curl line that prints the status which stands at its end. */
export function curl(url: string, headers: Fields, status: number, what: string): string {
  const options = Object.entries(headers).map(([name, value]) => ` -H '${name}: ${value}'`)
  return `# ${what}\ncurl -s -o /dev/null -w '%{http_code}\\n'${options.join('')} ${url} # ${status}\n`
}

/** Asks what a Traefik in front of https://app.example.com would ask. */
export type Asking = (path: string, status: number, what: string, headers?: Fields, client?: string) => string

/**
 * @param origin of the check endpoints
 * @param proof what every check carries, as far as the policy demands it
 */
export const asking =
  (origin: string, proof: Fields = {}): Asking =>
  (path, status, what, headers = {}, client = '10.1.2.3') =>
    curl(
      `${origin}/check/traefik`,
      {
        ...proof,
        'X-Forwarded-Method': 'GET',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'app.example.com',
        'X-Forwarded-Uri': path,
        'X-Forwarded-For': client,
        ...headers,
      },
      status,
      what,
    )

/** What the example policies have in common, as lines to paste, each good for one time. */
export async function tour(
  ask: Asking,
  quickstart: Quickstart,
): Promise<{ readonly lines: readonly string[]; readonly admin: Fields }> {
  const bearer = async (role: string) => ({ Authorization: `Bearer ${await quickstart.token([role])}` })
  const [user, admin] = [await bearer('user'), await bearer('admin')]
  const key = { 'X-API-Key': quickstart.apiKey }
  const badKey = { 'X-API-Key': `${quickstart.apiKey.slice(0, -1)}_` }
  const lines = [
    ask('/app/reports', 200, 'a JWT that passes', user),
    ask('/app/reports', 200, 'an API key that passes', key),
    ask('/health', 200, 'a public route'),
    ask('/app/reports', 401, 'no credential'),
    ask('/app/reports', 401, 'a bad credential', badKey),
    ask('/admin/users', 403, 'a wrong role', user),
    ask('/admin/users', 200, 'the right role from the right network', admin),
    ask('/admin/users', 403, 'a wrong network', admin, '203.0.113.9'),
    ask('/app/..%2fadmin/users', 400, 'a path that others would read otherwise', user),
    ask('/tiny', 200, 'a limit of one request a minute: the first'),
    ask('/tiny', 429, 'and the second'),
  ]
  return { lines, admin }
}
