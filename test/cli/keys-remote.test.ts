import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { WRITER } from '../admin/support.ts'
import { deskOf } from './support.ts'

type Scripted = readonly [status: number, headers: Record<string, string>, body: string]

/** Commands against a server that answers as it is told, the last answer again and again. */
async function against(answers: readonly Scripted[], args: readonly string[]) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    const [status, headers, body] = answers[Math.min(seen.length, answers.length) - 1] ?? [500, {}, '']
    response.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const desk = deskOf('memory', { POSTERN_ADMIN_TOKEN: WRITER })
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { ...(await desk.run([...args, '--admin', url])), seen }
  } finally {
    server.close()
    server.closeAllConnections()
    desk.end()
  }
}

const EMPTY: Scripted = [200, {}, '{"items":[],"next":null}']

describe('a command that asks a running admin API', () => {
  it('waits as long as it is told when it has asked too often, and asks again', async () => {
    const { code, seen } = await against([[429, { 'retry-after': '0' }, '{}'], EMPTY], ['keys', 'list'])
    expect([code, seen.length]).toEqual([0, 2])
  })

  it('gives up when it is told to wait for long', async () => {
    const { code, seen } = await against([[429, { 'retry-after': '3600' }, '{}'], EMPTY], ['keys', 'list'])
    expect([code, seen.length]).toEqual([1, 1])
  })

  it('never sends again what may have been done', async () => {
    const answer: Scripted = [503, { 'retry-after': '0' }, '{"detail":"no answer in time","problems":[]}']
    const { code, err, seen } = await against([answer, EMPTY], ['keys', 'create', '--owner', 'bot'])
    expect([code, err, seen]).toEqual([1, 'no answer in time\n', ['POST /v1/keys']])
  })

  it('follows no redirect, and takes no page for an answer', async () => {
    const moved = await against([[302, { location: 'http://example.com/' }, ''], EMPTY], ['keys', 'list'])
    expect([moved.code, moved.seen.length]).toEqual([1, 1])
    const page = await against([[200, {}, '<html>']], ['keys', 'list'])
    expect([page.code, page.err]).toEqual([
      1,
      expect.stringContaining('does not answer like an admin API (status 200)'),
    ])
    for (const body of [
      '',
      'null',
      '[]',
      '{}',
      '{"items":{},"next":null}',
      '{"items":[{"id":7}],"next":null}',
    ]) {
      const odd = await against([[200, {}, body]], ['keys', 'list'])
      expect([body, odd.code, odd.err]).toEqual([
        body,
        1,
        expect.stringContaining('is not that of an admin API'),
      ])
      expect((await against([[500, {}, body]], ['keys', 'list'])).err).toBe('the admin API answered 500\n')
    }
  })

  it('keeps what it is given in its place in the path', async () => {
    const gone: Scripted = [404, {}, '{"detail":"none","problems":[]}']
    const { seen } = await against([gone], ['keys', 'show', '../bans?network=10.0.0.1'])
    expect(seen).toEqual(['GET /v1/keys/..%2Fbans%3Fnetwork%3D10.0.0.1'])
  })
})
