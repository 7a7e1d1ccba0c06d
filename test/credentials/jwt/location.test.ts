import { describe, expect, it } from 'vitest'
import { faultOfUrl } from '../../../src/credentials/jwt/location.ts'

const nothing = { http: false, private: false }
const all = { http: true, private: true }

describe('a URL that keys are fetched from', () => {
  it.each([
    'https://example.com/jwks',
    'https://example.com:8443/?a=b',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://notlocalhost/',
    'https://localhost.example.com/',
    'https://10.example/',
  ])('is fine: %s', (url) => expect(faultOfUrl(url, nothing)).toBeNull())

  it.each([
    '',
    'jwks',
    'example.com/jwks',
    'ftp://example.com/',
    'file:///etc/jwks',
    'data:,x',
    'httpsx://example.com/',
  ])('is none: %j', (url) =>
    expect(faultOfUrl(url, all)).toMatch(/^is not a URL to fetch from: write https:/),
  )

  it.each(['https://user@example.com/', 'https://:secret@example.com/', 'https://user:secret@example.com/'])(
    'holds no credentials: %s',
    (url) => {
      expect(faultOfUrl(url, all)).toMatch(/^holds credentials: .*write it without/)
      expect(faultOfUrl(url, all)).not.toContain('secret')
    },
  )

  it.each(['https://example.com/#', 'https://example.com/#a'])('has no fragment: %s', (url) =>
    expect(faultOfUrl(url, all)).toMatch(/^has a fragment.*write it without #/),
  )

  it('is https, unless http is allowed', () => {
    expect(faultOfUrl('http://example.com/', { http: false, private: true })).toMatch(
      /^is not https: .*allow: \[http\]/,
    )
    expect(faultOfUrl('http://example.com/', { http: true, private: false })).toBeNull()
    expect(faultOfUrl('https://example.com/', { http: true, private: false })).toBeNull()
  })

  it.each([
    'https://localhost/',
    'https://localhost./',
    'https://LOCALHOST:1/',
    'https://keycloak.localhost/',
    'https://10.0.0.1/',
    'https://10.0.0.1./',
    'https://0x7f.1/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fe80::1]/',
    'https://169.254.169.254/',
  ])('is public, unless private is allowed: %s', (url) => {
    expect(faultOfUrl(url, { http: true, private: false })).toMatch(
      /^is a private address: .*allow: \[private\]/,
    )
    expect(faultOfUrl(url, { http: false, private: true })).toBeNull()
  })
})
