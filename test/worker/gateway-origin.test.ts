/** Origins of docs/gateway.md behind a real gateway: they serve it, and nobody else. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { portNear } from '../../scripts/free-port.ts'
import { findServer } from '../../scripts/servers.ts'
import { startUpstream, type Upstream } from '../e2e/upstream.ts'
import { exchange, header, type Line, requestBytes } from '../e2e/wire.ts'
import { until } from '../support/redis.ts'
import { ask, bearer, gatewaySpec, ORIGIN_SECRET } from './support/gateway.ts'
import { startWorkerd, type Workerd } from './support/workerd.ts'

const nginx = await findServer('nginx')
if ('missing' in nginx && process.env['CI'] === 'true') throw new Error(nginx.missing)

const guide = await readFile(join(import.meta.dirname, '../../docs/gateway.md'), 'utf8')

/** The one block of the guide in that language. */
function example(language: string): string {
  const blocks = [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))]
  expect(blocks).toHaveLength(1)
  return blocks[0]?.[1] ?? ''
}

let folder: string
let application: Upstream
let workerd: Workerd
const ports = { node: 0, nginx: 0 }
const children: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-origin-'))
  application = await startUpstream()
  ports.node = await portNear(0)
  ports.nginx = await portNear(0)

  const file = join(folder, 'origin.mjs')
  await writeFile(file, example('js'))
  children.push(
    spawn(process.execPath, [file], {
      env: { ORIGIN_SECRET, PORT: String(ports.node) },
      stdio: 'ignore',
    }),
  )
  if ('path' in nginx) {
    const site = example('nginx')
      .replace('put the secret here', ORIGIN_SECRET)
      .replace('127.0.0.1:8080', `127.0.0.1:${ports.nginx}`)
      .replace('127.0.0.1:3000', `127.0.0.1:${application.port}`)
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    )
    await mkdir(join(folder, 'logs'))
    await writeFile(
      join(folder, 'nginx.conf'),
      `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;\nevents {}\nhttp { access_log off; map_hash_bucket_size 128; ${paths.join(' ')}\n${site}\n}\n`,
    )
    children.push(
      spawn(nginx.path, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
        stdio: 'ignore',
      }),
    )
  }
  const section = (port: number) => `{ origin: "http://127.0.0.1:${port}", secret: "\${ORIGIN_SECRET}" }`
  workerd = await startWorkerd([
    gatewaySpec('node', section(ports.node)),
    gatewaySpec('nginx', section(ports.nginx)),
  ])
})
afterAll(async () => {
  await workerd?.stop()
  for (const child of children) child.kill('SIGTERM')
  await application?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** What somebody gets who asks the origin himself. */
async function directly(port: number, headers: readonly Line[]): Promise<number | undefined> {
  return (await exchange(port, requestBytes('/docs/x', { headers })))?.status
}

describe.each(['node', 'nginx'] as const)('the origin of the guide with %s', (name) => {
  it.skipIf(name === 'nginx' && 'missing' in nginx)(
    'serves the gateway and refuses everybody else',
    async () => {
      const port = ports[name]
      await until(async () => (await directly(port, []).catch(() => undefined)) !== undefined, name)
      expect(await directly(port, [['X-Auth-User', 'root']])).toBe(403)
      expect(await directly(port, [['X-Postern-Secret', `${ORIGIN_SECRET}x`]])).toBe(403)
      expect(await directly(port, [['X-Postern-Secret', '']])).toBe(403)
      expect(application.received).toEqual([])
      const answer = await ask(workerd.url(name), '/docs/x', { headers: [await bearer('alice')] })
      expect(answer.status).toBe(200)
      if (name === 'node') expect(answer.body).toBe('hello alice\n')
      else {
        const { lines = [] } = application.received.at(-1) ?? {}
        expect([header(lines, 'x-auth-user'), header(lines, 'host')]).toEqual(['alice', 'app.example.com'])
        expect(header(lines, 'x-postern-secret')).toBeNull()
      }
    },
  )
})
