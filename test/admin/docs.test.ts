import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import { describe, expect, it } from 'vitest'
import { mintKey } from '../../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { adminOf, PEPPER, WRITER } from './support.ts'

const docs = (name: string) => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')

/** Everything in a page that is fenced as one language. */
const blocks = (page: string, language: string): string[] =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, fence, text]) =>
    fence === language && text !== undefined ? [text] : [],
  )

const mint = (prefix = 'ak_live') => mintKey(prefix, 'acme', PEPPER, hmacSha256, () => randomBytes(1)[0] ?? 0)

describe('docs/keys.md', () => {
  const [pattern = ''] = blocks(docs('keys.md'), 'regex')
  const found = (text: string) => text.match(new RegExp(pattern.trim(), 'g')) ?? []

  it('gives scanners a regular expression that finds every minted key in any text', () => {
    for (let i = 0; i < 200; i++) {
      const key = mint()
      for (const text of [
        key,
        `X-API-Key: ${key}`,
        `{"key":"${key}"}`,
        `key=${key}&x`,
        `(${key}).`,
        `"${key}\n`,
      ])
        expect(found(text)).toEqual([key])
    }
  })

  it('and nothing that only looks like one', () => {
    const key = mint()
    for (const text of [
      key.slice(0, -1),
      `${key}x`,
      `x${key}`,
      `${key}_x`,
      mint('ak_test'),
      mint('ak'),
      key.replace('ak_live_', 'ak-live-'),
      `${key.slice(0, 30)}-${key.slice(31)}`,
      `ak_live_${'a'.repeat(32)}`,
      key.toUpperCase(),
    ])
      expect([text, found(text)]).toEqual([text, []])
  })

  it('and a checksum that takes every minted key and no mangled one', async () => {
    const [script = ''] = blocks(docs('keys.md'), 'js')
    const { isKey }: { isKey: (text: string) => boolean } = await import(
      /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(script)}`
    )
    for (let i = 0; i < 200; i++) {
      const key = mint()
      expect(isKey(key)).toBe(true)
      const at = 8 + (i % 51)
      const mangled = key.slice(0, at) + (key[at] === 'x' ? 'y' : 'x') + key.slice(at + 1)
      expect([mangled, isKey(mangled)]).toEqual([mangled, false])
    }
  })
})

describe('docs/admin.md', () => {
  it('gives lines that work as they stand, one after the other', async () => {
    const admin = adminOf()
    const server = createServer(getRequestListener(admin.app.fetch))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const [script = ''] = blocks(docs('admin.md'), 'sh').filter((text) => text.includes('curl'))
    const lines = script.replace('127.0.0.1:8083', `127.0.0.1:${port}`)
    try {
      const env = { ...process.env, POSTERN_ADMIN_TOKEN: WRITER, no_proxy: '*' }
      await promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', lines], { env, timeout: 30_000 })
    } finally {
      server.close()
      server.closeAllConnections()
    }
    expect(admin.lines.map((line) => JSON.parse(line).action)).toEqual([
      'key.create',
      'key.update',
      'key.rotate',
      'key.revoke',
      'key.delete',
      'key.import',
      'revocation.create',
      'revocation.lift',
      'ban.add',
      'ban.lift',
    ])
  })
})
