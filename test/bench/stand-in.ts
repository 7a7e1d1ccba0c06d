#!/usr/bin/env node
/**
 * Stands in for a program of others: reads the configuration that it is given, fetches the key set named there, and
 * allows whoever presents a token that a key of it has signed. Asked anywhere else than at the path that the program
 * has, it answers 404.
 */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename } from 'node:path'

const PATHS: Readonly<Record<string, string>> = {
  'oauth2-proxy': '/oauth2/auth',
  oathkeeper: '/decisions',
  heimdall: '/',
}
const path = PATHS[basename(process.argv[1] ?? '')]
const file =
  process.argv
    .join('=')
    .split('=')
    .find((part) => /\.(cfg|yaml)$/.test(part)) ?? ''
const text = readFileSync(file, 'utf8')
const keys = /http:\/\/127\.0\.0\.1:\d+\/keys/.exec(text)?.[0] ?? ''
const port = Number(/(?:port: |127\.0\.0\.1:)(\d+)/.exec(text)?.[1])
const {
  keys: [jwk],
} = (await (await fetch(keys)).json()) as { keys: [JsonWebKey] }
const key = createPublicKey({ key: jwk, format: 'jwk' })

createServer(({ url, headers }, response) => {
  const [head, body, signature = ''] = (headers.authorization ?? '').slice(7).split('.')
  const signed = verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))
  response.writeHead(url !== path ? 404 : signed ? 202 : 401).end()
}).listen(port, '127.0.0.1')
