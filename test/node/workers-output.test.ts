import { execFileSync } from 'node:child_process'
import { closeSync, constants, createReadStream, openSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkOf } from '../http/support.ts'
import { figure, Place, parsed } from './served.ts'
import { bytesOf, Wire } from './support.ts'

let place: Place
beforeEach(() => {
  place = new Place()
})
afterEach(() => place.leave())

/** More than a pipe (64 KiB) takes, from each worker. */
const CHECKS = 600
const CLIENTS = 12

describe('audit lines of several workers', () => {
  it('come whole through one pipe, even when its reader is slow', async () => {
    const fifo = join(place.folder, 'audit')
    execFileSync('mkfifo', [fifo])
    // A writer does not get in before there is a reader, nor a reader before a writer, unless it is both.
    const reader = openSync(fifo, constants.O_RDWR)
    const writer = openSync(fifo, constants.O_WRONLY)
    place.write(
      'postern.yaml',
      `listen: { check: 127.0.0.1:0, health: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
routes: { open: { match: { path: /x/** }, credentials: [anonymous] } }
`,
    )
    const served = place.postern(['serve', '--workers', '2'], writer)
    closeSync(writer)
    const stream = createReadStream('', { fd: reader, highWaterMark: 512, encoding: 'latin1' })
    let text = ''
    stream.on('data', (part) => {
      text += part
    })
    await vi.waitFor(() => expect(text).toContain('\n'), 20_000)
    stream.pause()
    const { listen } = parsed(text)[0] as { listen: Record<string, string> }
    const port = Number(listen['check']?.split(':').at(-1))
    let answered = 0
    const client = async (number: number): Promise<void> => {
      const wire = await Wire.open(port)
      for (let i = 0; i < CHECKS / CLIENTS; i++) {
        // Lines of many lengths, so that their ends fall everywhere.
        wire.send(
          bytesOf(checkOf('traefik', `/x/${number}-${i}-${'y'.repeat((number * 97 + i * 31) % 400)}`)),
        )
        expect((await wire.answer())?.status).toBe(200)
        answered++
      }
      wire.close()
    }
    for (let round = 0; round < 3; round++)
      await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
    expect(answered).toBe(3 * CHECKS)
    // The pipe is full, and both have lines that wait: from here on their pieces take turns.
    stream.resume()
    await vi.waitFor(() => expect(text.split('\n').length).toBe(answered + 2), 20_000)
    const lines = parsed(text).slice(1)
    const prefix = ({ request }: Record<string, unknown>) => String(request).slice(0, 18)
    expect(new Set(lines.map(prefix)).size).toBe(2)
    expect(new Set(lines.map(({ request }) => request)).size).toBe(answered)
    const metrics = await (await fetch(`http://${listen['health']}/metrics`)).text()
    expect(figure(metrics, 'postern_audit_lines_dropped_total')).toBe(0)
    served.child.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    stream.destroy()
  })
})
