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
export function curl(
  url: string,
  headers: Readonly<Record<string, string>>,
  status: number,
  what: string,
): string {
  const options = Object.entries(headers).map(([name, value]) => ` -H '${name}: ${value}'`)
  return `# ${what}\ncurl -s -o /dev/null -w '%{http_code}\\n'${options.join('')} ${url} # ${status}\n`
}
