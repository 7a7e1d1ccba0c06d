import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { openApi } from '../../src/admin/openapi.ts'
import { OPERATIONS } from '../../src/admin/operations.ts'
import { adminOf } from './support.ts'

type Json = { readonly [name: string]: Json | undefined } & { readonly $ref?: string }

const document = JSON.parse(JSON.stringify(openApi('1.2.3')))

function* nodes(node: unknown): Generator<Json> {
  if (typeof node !== 'object' || node === null) return
  yield node as Json
  for (const inner of Object.values(node)) yield* nodes(inner)
}

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema(document, 'api')
const schemaAt = (pointer: string) => ajv.compile({ $ref: `api#${pointer}` })

describe('the OpenAPI document', () => {
  it('is served to everybody, and derives from the same schemas', async () => {
    const answer = await adminOf().ask('GET', '/openapi.json', { token: null })
    expect([answer.status, answer.body.openapi, answer.body.info.title]).toEqual([
      200,
      '3.1.0',
      'Postern admin API',
    ])
    expect(answer.headers.get('content-type')).toBe('application/json')
  })

  it('describes every route with its statuses, and no other', () => {
    const described = Object.entries<Record<string, object>>(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.sort()).toEqual(OPERATIONS.map(({ method, path }) => `${method} ${path}`).sort())
    const ids = OPERATIONS.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { method, path, answers } of OPERATIONS) {
      const { responses, parameters = [] } = document.paths[path][method.toLowerCase()]
      expect(Object.keys(responses)).toEqual(
        expect.arrayContaining([...Object.keys(answers), '401', '403', '429', '500', '503']),
      )
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const inPath = parameters.filter((one: { in: string }) => one.in === 'path')
      expect(inPath.map(({ name }: { name: string }) => name)).toEqual(named)
      expect(inPath.every(({ required }: { required: boolean }) => required)).toBe(true)
    }
  })

  it('refers only to what is in it, and every schema in it is one', () => {
    const references = [...nodes(document)].flatMap(({ $ref }) => ($ref === undefined ? [] : [$ref]))
    expect(references.length).toBeGreaterThan(40)
    for (const reference of references) {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1]
      expect([reference, name !== undefined && name in document.components.schemas]).toEqual([
        reference,
        true,
      ])
    }
    const used = new Set(references)
    for (const name of Object.keys(document.components.schemas)) {
      const pointer = `/components/schemas/${name}`
      expect(() => schemaAt(pointer)).not.toThrow()
      // Schemas that pages hold are written out there.
      if (!['Revocation', 'Ban', 'Key'].includes(name)) expect(used).toContain(`#${pointer}`)
    }
  })

  it('fits what is really sent and answered', async () => {
    const admin = adminOf()
    const check = (name: string, data: unknown) => {
      const validate = schemaAt(`/components/schemas/${name}`)
      expect([name, validate(data), validate.errors]).toEqual([name, true, null])
    }
    const asked = { owner: 'bot', id: 'k', roles: ['user'], expires: '2027-01-01T00:00:00Z' }
    check('NewKey', asked)
    check('KeyWithSecret', (await admin.ask('POST', '/v1/keys', { body: asked })).body)
    check('Key', (await admin.ask('GET', '/v1/keys/k')).body)
    check('KeyPage', (await admin.ask('GET', '/v1/keys')).body)
    check('Rotation', { overlap: '0s' })
    check('KeyCheck', (await admin.ask('POST', '/v1/keys/verify', { body: { key: 'ak_live_x' } })).body)
    const batch = { keys: [{ owner: 'a', digest: `sha256:${'a'.repeat(64)}` }] }
    check('KeyImport', batch)
    check('ImportResult', (await admin.ask('POST', '/v1/keys/import', { body: batch })).body)
    const revocation = { kind: 'subject', issuer: 'company', value: 'u' }
    check('NewRevocation', revocation)
    check('Revocation', (await admin.ask('POST', '/v1/revocations', { body: revocation })).body)
    check('RevocationPage', (await admin.ask('GET', '/v1/revocations')).body)
    const ban = { network: '10.0.0.1', duration: '1h' }
    check('NewBan', ban)
    check('Ban', (await admin.ask('POST', '/v1/bans', { body: ban })).body)
    check('BanPage', (await admin.ask('GET', '/v1/bans')).body)
    check('History', (await admin.ask('GET', '/v1/audit')).body)
    check('Problem', (await admin.ask('GET', '/v1/keys?limit=0')).body)
    const strange = schemaAt('/components/schemas/NewKey')
    expect(strange({ owner: 'bot', ownr: 'bot' })).toBe(false)
  })
})
