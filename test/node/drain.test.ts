import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { bytesOf, portOf, startService, Wire } from './support.ts'

it('answers every check on connections that still waited to be accepted when the stop began', async () => {
  const { service, listen } = await startService()
  const wires = Array.from(
    { length: 30 },
    () => new Wire(connect({ port: portOf(listen['check']), host: '127.0.0.1' })),
  )
  for (const wire of wires) wire.send(bytesOf())
  // Now all of them are known to the system, and none or one to the service.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  const stopped = service.stop()
  const answers = await Promise.all(wires.map((wire) => wire.answer()))
  expect(answers.map((answer) => answer?.status)).toEqual(Array.from({ length: 30 }, () => 200))
  for (const wire of wires) wire.close()
  await stopped
})
