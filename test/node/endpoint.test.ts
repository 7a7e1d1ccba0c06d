import { expect, it } from 'vitest'
import { parseEndpoint, textOfEndpoint } from '../../src/node/endpoint.ts'

it.each(['127.0.0.1:8081', '0.0.0.0:0', 'localhost:65535', '[::1]:8081'])(
  '%s is an address to listen on',
  (text) => {
    const endpoint = parseEndpoint(text)
    expect(endpoint === null ? null : textOfEndpoint(endpoint)).toBe(text)
  },
)

it.each([
  '8081',
  ':8081',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '127.0.0.1:-1',
  '::1:8081',
  'http://a:1',
  'a b:1',
  'a:1/',
  '[::1]',
  '',
])('%j is none', (text) => {
  expect(parseEndpoint(text)).toBeNull()
})
