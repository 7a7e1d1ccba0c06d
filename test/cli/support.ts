import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { run } from '../../src/cli/program.ts'
import { type Admin, adminOf, WRITER } from '../admin/support.ts'
import { strong } from '../support/policy.ts'

/** How a command ended. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A folder with a policy, and commands that run in it. */
export interface Desk {
  readonly folder: string
  file(name: string, text: string): void
  run(args: readonly string[], stdin?: string | AsyncIterable<string>): Promise<Ended>
  /** The same, and what it printed as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what a command printed is what the tests look at
  json(args: readonly string[], stdin?: string): Promise<any>
  end(): void
}

export const policy = (store: string, prefix = 'ak_live'): string => `
proxies: { traefik: { peers: [127.0.0.1/32] } }
store: ${store}
issuers:
  company:
    issuer: https://login.example.com
    audience: [x]
    keys: { jwks: "https://login.example.com/jwks" }
    algorithms: [RS256]
apiKeys: { prefix: ${prefix}, peppers: { v1: "\${OLDER}", v2: "\${PEPPER}" } }
roles: { user: { permissions: ["a:b"] }, admin: {} }
limits: { per-principal: { by: principal, rate: 10/minute } }
routes: { a: { match: { path: /a }, credentials: [api-key] } }
`

export const VARIABLES = { OLDER: strong('older'), PEPPER: strong('pepper'), USER: 'alice' }

export function deskOf(store: string, env: Readonly<Record<string, string>> = {}): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'postern-cli-'))
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text)
  file('postern.yaml', policy(store))
  const runHere: Desk['run'] = async (args, stdin = '') => {
    let out = ''
    let err = ''
    const code = await run(args, {
      stdout: {
        write: (text) => {
          out += text
        },
      },
      stderr: {
        write: (text) => {
          err += text
        },
      },
      stdin: typeof stdin === 'string' ? once(stdin) : stdin,
      env: { ...VARIABLES, ...env },
      cwd: folder,
      isTerminal: false,
    })
    return { code, out, err }
  }
  return {
    folder,
    file,
    run: runHere,
    async json(args, stdin) {
      const { code, out, err } = await runHere([...args, '--json'], stdin)
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`)
      return JSON.parse(out)
    },
    end: () => rmSync(folder, { recursive: true }),
  }
}

async function* once(text: string): AsyncGenerator<string> {
  yield text
}

/** An admin API on a real listener, and commands that ask it. */
export async function remoteDesk(): Promise<Desk & { readonly admin: Admin; readonly url: string }> {
  const admin = adminOf()
  const server = createServer(getRequestListener(admin.app.fetch))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const desk = deskOf('memory', { POSTERN_ADMIN_TOKEN: WRITER })
  const there = (args: readonly string[]) => [...args, '--admin', url]
  return {
    ...desk,
    admin,
    url,
    run: (args, stdin) => desk.run(there(args), stdin),
    json: (args, stdin) => desk.json(there(args), stdin),
    end: () => {
      server.close()
      server.closeAllConnections()
      desk.end()
    },
  }
}
