import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ARTEFACT_FORMAT, artefactOf, policyOf } from '../../src/policy/artefact.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import { resolveSecrets } from '../../src/policy/resolve.ts'
import { Secret } from '../../src/schema/secret.ts'
import { strong } from '../support/policy.ts'

/** A policy that was checked without its secrets, there and back as text. */
function travelled(text: string) {
  const loaded = loadPolicy(text, { environment: null, file: 'test.yaml' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const artefact = artefactOf(loaded.policy, '1.2.3')
  const reading = policyOf(JSON.parse(JSON.stringify(artefact)))
  if (!reading.ok) throw new Error(reading.problem)
  return { policy: loaded.policy, artefact, reading }
}

describe('a compiled policy', () => {
  it.each(['quickstart', 'full', 'worker'])('is the policy again: examples/%s.yaml', (name) => {
    const { policy, reading } = travelled(readFileSync(`examples/${name}.yaml`, 'utf8'))
    expect(reading.policy).toEqual(policy)
    expect(reading.secrets.map(({ secret }) => secret.source)).toEqual(
      secretsIn(policy).map(({ source }) => source),
    )
  })

  it('keeps names that look like its own marks', () => {
    const policy = { $secret: { env: 'X' }, inner: { $network: '10.0.0.0/8', $$x: [{ $secret: 'y' }] } }
    const reading = policyOf(JSON.parse(JSON.stringify(artefactOf(policy as never, '1.2.3'))))
    expect(reading).toMatchObject({ ok: true, policy, secrets: [] })
  })

  it('keeps entries that are called as the parts of a network are', () => {
    const { policy, reading } = travelled(`
proxies: { traefik: { peers: [192.0.2.0/24] } }
roles: { address: { permissions: [] }, prefix: { permissions: [] } }
limits: { address: { by: client, rate: 1/hour }, prefix: { by: client, rate: 1/hour } }
routes:
  address: { match: { path: /a/** }, credentials: [anonymous], limits: [address] }
  prefix: { match: { path: /b/** }, credentials: [anonymous], limits: [prefix] }
`)
    expect(reading.policy).toEqual(policy)
  })

  it.each([
    null,
    7,
    'text',
    [],
    {},
    { format: 0 },
    { format: ARTEFACT_FORMAT + 1, postern: '9' },
    { format: ARTEFACT_FORMAT, policy: [] },
  ])('is nothing else: %j', (artefact) => {
    expect(policyOf(artefact)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('run postern compile again'),
    })
  })

  it('gets its secrets by name, and every problem with them is told without a value', () => {
    const text = readFileSync('examples/worker.yaml', 'utf8')
    expect(resolveSecrets(travelled(text).reading, () => undefined)).toHaveLength(6)
    const weak = resolveSecrets(travelled(text).reading, () => 'hunter2-hunter2')
    expect(weak.length).toBeGreaterThan(0)
    expect(weak.join()).not.toContain('hunter2')
    const digest = `sha256:${strong('key')}`
    const sound = (name: string) => (name === 'QUICKSTART_KEY_DIGEST' ? digest : strong(name))
    expect(resolveSecrets(travelled(text).reading, sound)).toEqual([])
  })
})

function secretsIn(value: unknown): Secret[] {
  if (value instanceof Secret) return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(secretsIn) : []
}
