/** Deployments in which something is wrong: 503 for everybody, and the log says what to do. */

import { describe, expect, it } from 'vitest'
import type { Artefact } from '../../src/policy/artefact.ts'
import { strong } from '../support/policy.ts'
import { ask, OBJECTS, policyWith, recordOf, startCheck, VARIABLES } from './support/check.ts'
import { compiled, type WorkerSpec } from './support/workerd.ts'

const good = compiled(policyWith())

/** What a deployment answers, and the one event that its log tells of. */
async function told(event: string, policy: WorkerSpec['policy'], more: Partial<WorkerSpec> = {}) {
  const workerd = await startCheck(policy, more)
  try {
    const answer = await ask(workerd, '/public/x')
    const [line] = await workerd.heard(event)
    expect(workerd.events('decision')).toEqual([])
    const text = workerd.logs.map((one) => one.text).join('\n')
    for (const secret of Object.values({ ...VARIABLES, ...more.variables }))
      if (secret !== '') expect(text).not.toContain(secret)
    return { answer, line }
  } finally {
    await workerd.stop()
  }
}

describe('nobody is let in', () => {
  it('while secrets are not bound: the log names every one', async () => {
    const { answer, line } = await told('policy_refused', policyWith(), { variables: {} })
    expect(answer).toMatchObject({ status: 503, body: '' })
    expect(answer.headers).toMatchObject({ 'x-postern-status': '503', 'retry-after': '1' })
    expect(line.problems).toEqual([
      'proxies.traefik.secret: refers to PROXY_SECRET, which is not bound: wrangler secret put PROXY_SECRET',
      'issuers.company.keys.secret: refers to JWT_SECRET, which is not bound: wrangler secret put JWT_SECRET',
    ])
  })

  it.each([
    ['empty', ''],
    ['short', 'abc'],
    ['a word that everybody tries', 'changeme-changeme-changeme'],
    ['one letter many times', 'a'.repeat(64)],
  ])('with a secret that is %s', async (_, JWT_SECRET) => {
    const variables = { ...VARIABLES, JWT_SECRET }
    const { answer, line } = await told('policy_refused', policyWith(), { variables })
    expect(answer.status).toBe(503)
    expect(line.problems).toHaveLength(1)
    expect(line.problems[0]).toMatch(/^issuers\.company\.keys/)
  })

  it.each<[string, unknown, RegExp]>([
    [
      'a later format',
      { ...good, format: good.format + 1 },
      /format 2, written by postern 0\.0\.0, and this Worker reads format 1: run postern compile again/,
    ],
    ['no format', { policy: good.policy }, /no format/],
    ['nothing', null, /no format/],
    ['a list', [good], /no format/],
    ['no policy', { ...good, policy: null }, /is empty/],
    ['a policy without its parts', { ...good, policy: {} } satisfies Artefact, /is damaged/],
    [
      'a network that is none',
      { ...good, policy: { ...(good.policy as object), trustedHops: [{ $network: '10.0.0.0/99' }] } },
      /is damaged.*a network that is none/,
    ],
    [
      'a secret in a file',
      {
        ...good,
        policy: {
          ...(good.policy as object),
          proxies: { traefik: { secret: { $secret: { file: '/run/x' } } } },
        },
      },
      /refers to the file \/run\/x, and a Worker has none/,
    ],
  ])('with an artefact that holds %s', async (_, artefact, says) => {
    const { answer, line } = await told('policy_refused', { artefact })
    expect(answer.status).toBe(503)
    expect(line.problems.join('\n')).toMatch(says)
  })

  it('without the objects in which the policy keeps its state', async () => {
    const { answer, line } = await told('store_missing', policyWith(), { bindings: {} })
    expect(answer.status).toBe(503)
    expect(line.problem).toContain('POSTERN_STATE')
  })

  it('where something else is bound in their place', async () => {
    const { answer } = await told('store_missing', policyWith(), {
      bindings: {},
      variables: { ...VARIABLES, POSTERN_STATE: strong('no namespace') },
    })
    expect(answer.status).toBe(503)
  })
})

describe('what nobody has thought of', () => {
  const broken = {
    entry: {
      text: `import './test/worker/support/broken-headers.ts'
        export { default, PosternState } from './src/worker.ts'`,
    },
    bindings: OBJECTS,
  }

  it('is a denial and recorded, without what could be a credential, and the next check is answered as ever', async () => {
    const workerd = await startCheck(policyWith(), broken)
    try {
      const record = await recordOf(workerd, async () => {
        const answer = await ask(workerd, '/public/x', [['X-Break', 'x-forwarded-uri']])
        expect(answer.status).toBe(503)
        expect(JSON.parse(answer.body)).toMatchObject({ reason: 'unavailable' })
      })
      expect(record).toMatchObject({ verdict: 'deny', reason: 'internal' })
      expect(record.cause).toBe('Error: the header is broken, and [removed] was in it')
      expect((await ask(workerd, '/public/x')).status).toBe(200)
    } finally {
      await workerd.stop()
    }
  })

  it('lets nobody in who could not be recorded, and the log says why', async () => {
    const workerd = await startCheck(policyWith(), broken)
    try {
      const answer = await ask(workerd, '/public/unrecorded')
      expect(answer.status).toBe(503)
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('x-auth'))).toEqual([])
      expect(answer.headers['x-postern-status']).toBe('503')
      const [line] = await workerd.heard('unexpected')
      expect(line.problem).toBe('Error: the log is broken')
    } finally {
      await workerd.stop()
    }
  })
})
