import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type Door, dynamicOf, staticOf } from '../../bench/traefik/doors.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-doors-'))
afterAll(() => rmSync(folder, { recursive: true }))

const house = { folder, upstream: 3000, secret: 'the-secret' }
const doors: Door[] = [
  { name: 'none', port: 1001, check: null },
  { name: 'http', port: 1002, check: { port: 2002, https: false } },
  { name: 'https', port: 1003, check: { port: 2003, https: true } },
]
const { http } = await dynamicOf(doors, house)
const text = JSON.stringify(http)

describe('the ways through Traefik that are measured', () => {
  it('are the recipe that users copy, once for each, and know nothing of each other', () => {
    for (const section of [http.routers, http.middlewares, http.services]) {
      const names = Object.keys(section)
      const locals = doors.map(({ name }) =>
        names.filter((each) => each.startsWith(`${name}-`)).map((each) => each.slice(name.length)),
      )
      expect(new Set(locals.map((each) => each.join())).size).toBe(1)
      expect(locals.flat()).toHaveLength(names.length)
    }
    for (const [name, router] of Object.entries(http.routers)) {
      const [door = ''] = name.split('-')
      expect(router).toMatchObject({ entryPoints: [door], service: `${door}-app` })
      for (const middleware of router.middlewares) expect(http.middlewares).toHaveProperty([middleware])
    }
  })

  it('ask where they should, and the one without a check nowhere', () => {
    const { chain } = http.middlewares['none-postern-guard'] ?? {}
    expect(chain?.middlewares).toEqual(['none-postern-no-upgrade', 'none-postern-in', 'none-postern-out'])
    expect(http.middlewares['http-postern']).toMatchObject({
      forwardAuth: { address: 'http://127.0.0.1:2002/check/traefik' },
    })
    expect(http.middlewares['https-postern']).toMatchObject({
      forwardAuth: { address: 'https://127.0.0.1:2003/check/traefik', tls: { ca: 'postern-ca.pem' } },
    })
  })

  it('prove themselves with the secret, which no template is left of', () => {
    expect(text.match(/"X-Postern-Secret":"the-secret"/g)).toHaveLength(doors.length)
    expect(text).not.toContain('{{')
  })

  it('come in at ports of their own, by the entry point of the recipe', async () => {
    const { entryPoints } = (await staticOf(doors, house)) as { entryPoints: Record<string, object> }
    expect(Object.keys(entryPoints)).toEqual(['none', 'http', 'https'])
    expect(entryPoints['https']).toMatchObject({
      address: '127.0.0.1:1003',
      http: { aliasHeadersStrategy: 'delete' },
    })
  })
})
