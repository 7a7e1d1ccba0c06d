import { describe, expect, it } from 'vitest'
import { Discovery, metadataUrls } from '../../../src/credentials/jwt/discovery.ts'
import { outside } from './support.ts'

const ISSUER = 'https://login.example.com/realm'
const HOUR = 3_600_000
const RULES = { maxBytes: 1000, timeout: 5, http: false, private: false }
const document = (part: object = {}) =>
  JSON.stringify({ issuer: ISSUER, jwks_uri: 'https://keys.example.com/jwks', ...part })

/** Discovery from two places, each with its text or its failure. */
function world(texts: Record<string, string | Error>) {
  const asked: string[] = []
  const at = outside({
    fetchText: (url, rules) => {
      expect(rules).toBe(RULES)
      asked.push(url)
      const text = texts[url] ?? new Error(`${url} is down`)
      return text instanceof Error ? Promise.reject(text) : Promise.resolve(text)
    },
  })
  const found = new Discovery(ISSUER, ['a', 'b'], RULES, at)
  const locate = () => found.locate().catch((error: Error) => error.message)
  return { found, locate, asked, at, texts }
}

describe('where an issuer tells of itself', () => {
  it.each([
    [
      'https://a.example',
      'https://a.example/.well-known/openid-configuration',
      'https://a.example/.well-known/oauth-authorization-server',
    ],
    [
      'https://a.example/',
      'https://a.example/.well-known/openid-configuration',
      'https://a.example/.well-known/oauth-authorization-server',
    ],
    [
      'https://a.example:8443/x/',
      'https://a.example:8443/x/.well-known/openid-configuration',
      'https://a.example:8443/.well-known/oauth-authorization-server/x',
    ],
    [
      'https://a.example/x/y',
      'https://a.example/x/y/.well-known/openid-configuration',
      'https://a.example/.well-known/oauth-authorization-server/x/y',
    ],
  ])('of %s: OpenID Connect Discovery 1.0 section 4, then RFC 8414 section 3.1', (issuer, first, second) =>
    expect(metadataUrls(issuer)).toEqual([first, second]),
  )
})

describe('the place of a key set', () => {
  it('is what the first document says that can be had', async () => {
    const one = world({ a: document() })
    expect([await one.locate(), one.asked]).toEqual(['https://keys.example.com/jwks', ['a']])
    const two = world({ b: document() })
    expect([await two.locate(), two.asked]).toEqual(['https://keys.example.com/jwks', ['a', 'b']])
    const bad = world({ a: '{}', b: document() })
    expect([await bad.locate(), bad.asked]).toEqual(['https://keys.example.com/jwks', ['a', 'b']])
  })

  it('is nowhere when none can be had, and the first failure is told', async () => {
    expect(await world({ a: new Error('first'), b: new Error('second') }).locate()).toBe('first')
    expect(await world({ a: '[]', b: new Error('second') }).locate()).toBe(
      'the discovery document is not a JSON object',
    )
  })

  it.each([
    ['x', 'the discovery document is not a JSON object'],
    ['null', 'the discovery document is not a JSON object'],
    [`{"issuer":"${ISSUER}","issuer":"${ISSUER}"}`, 'the discovery document is not a JSON object'],
    [document({ issuer: `${ISSUER}/` }), 'the discovery document belongs to another issuer'],
    [document({ issuer: undefined }), 'the discovery document belongs to another issuer'],
    [document({ jwks_uri: undefined }), 'the discovery document names no key set'],
    [document({ jwks_uri: 7 }), 'the discovery document names no key set'],
    [
      document({ jwks_uri: 'http://keys.example.com/' }),
      'the jwks_uri of the discovery document is not https',
    ],
    [
      document({ jwks_uri: 'https://10.0.0.1/' }),
      'the jwks_uri of the discovery document is a private address',
    ],
  ])('is not taken from %s', async (text, says) => expect(await world({ a: text }).locate()).toContain(says))

  it('is kept for an hour, to the millisecond, whichever way the clock goes', async () => {
    for (const step of [HOUR, -HOUR]) {
      const { locate, asked, at } = world({ a: document() })
      await locate()
      at.clock += step - Math.sign(step)
      await locate()
      expect(asked).toEqual(['a'])
      at.clock += Math.sign(step)
      await locate()
      expect(asked).toEqual(['a', 'a'])
    }
  })

  it('is what it was while nobody tells, and asked for again at every look', async () => {
    const { locate, asked, at, texts } = world({ a: document() })
    await locate()
    texts['a'] = new Error('down')
    at.clock += HOUR
    expect(await locate()).toBe('https://keys.example.com/jwks')
    texts['a'] = document({ jwks_uri: 'https://new.example.com/' })
    expect(await locate()).toBe('https://new.example.com/')
    expect(asked).toEqual(['a', 'a', 'b', 'a'])
  })

  it('is asked for again at once when the keys were not there', async () => {
    const { found, locate, asked } = world({ a: document() })
    found.doubt()
    await locate()
    await locate()
    expect(asked).toEqual(['a'])
    found.doubt()
    expect(await locate()).toBe('https://keys.example.com/jwks')
    expect(asked).toEqual(['a', 'a'])
  })
})
