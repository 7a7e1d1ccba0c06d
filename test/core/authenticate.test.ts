import { describe, expect, it } from 'vitest'
import { authenticate } from '../../src/core/authenticate.ts'
import type { Authentication } from '../../src/core/model.ts'
import { principalOf } from '../support/principal.ts'

describe('what decides when credentials differ', () => {
  it('is the worse one, the first of two that are equally bad', async () => {
    const of = (answer: Authentication, fallback = false) => ({
      authenticator: { type: answer.is, fallback, authenticate: () => answer },
      variants: null,
    })
    const one: Authentication = { is: 'rejected', reason: 'credential_invalid' }
    const two: Authentication = { is: 'rejected', reason: 'key_unknown' }
    const down: Authentication = { is: 'unavailable', reason: 'issuer_unavailable', cause: 1 }
    const absent: Authentication = { is: 'absent' }
    const judge = (...answers: Authentication[]) =>
      authenticate({ credentials: answers.map((each) => of(each)) } as never, {} as never, undefined)
    expect([await judge(one, two), await judge(two, one)]).toEqual([one, two])
    expect([await judge(down, one), await judge(one, down)]).toEqual([one, one])
    expect([await judge(absent, down), await judge(down, absent)]).toEqual([down, down])
    const good = { is: 'accepted', principal: principalOf() } as const
    expect(await judge(good, good)).toEqual({ is: 'rejected', reason: 'credential_repeated' })
    expect([await judge(good, one), await judge(down, good), await judge(absent, good)]).toEqual([
      one,
      down,
      good,
    ])
    expect([await judge(), await judge(absent), await judge(absent, absent)]).toEqual([
      absent,
      absent,
      absent,
    ])
  })
})
