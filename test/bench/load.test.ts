import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { counted, load } from '../../bench/load.ts'

let stop: () => void = () => {}
afterEach(() => stop())

/** Answers with each status in turn. */
async function server(...statuses: readonly number[]): Promise<number> {
  let next = 0
  const http = createServer((_, response) => {
    response.writeHead(statuses[next++ % statuses.length] ?? 200, { 'Content-Length': '0' }).end()
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  stop = () => {
    http.closeAllConnections()
    http.close()
  }
  return (http.address() as AddressInfo).port
}
const request = () => 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

describe('the load', () => {
  it('asks as often as it should, and tells 2xx from everything else', async () => {
    const result = await load(await server(200, 202, 401, 503), 40, 4, request)
    expect(result).toMatchObject({ requests: 40, failures: 20 })
    expect(result.latencies).toHaveLength(40)
  })

  it('does not wait for a subject that hangs up', async () => {
    const http = createServer((_, response) => response.destroy())
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    stop = () => http.close()
    await expect(load((http.address() as AddressInfo).port, 2, 1, request)).rejects.toThrow()
  })
})

describe('what counts', () => {
  it('are the answers that were 2xx, where a few are missing', () => {
    expect(counted('x', 100, 5)).toBe(95)
  })

  it('is nothing of a subject that denies', () => {
    expect(() => counted('x', 100, 6)).toThrow('x: 6 of 100 answers were not 2xx')
  })
})
