import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { portNear } from '../../scripts/free-port.ts'
import { issueCertificates } from '../../test/e2e/certificate.ts'
import { launch, until } from '../../test/e2e/process.ts'
import { type Issuer, PROXY_SECRET, requestBytes } from '../credentials.ts'
import { load } from '../load.ts'
import type { Stand } from '../stand.ts'
import { startSubject } from '../subject.ts'
import { type Door, dynamicOf, staticOf } from './doors.ts'

/** The upstream has nothing to say. */
const PLAIN = { BENCH_HEADERS: '{"Content-Length":"0"}' }

/** Ports of the doors: without a check, with a static handler, and with Postern; both over http and over https. */
export type Ports = Readonly<Record<'none' | 'stillHttp' | 'stillHttps' | 'http' | 'https', number>>

/** One Traefik with a door for each way of being checked. @param traefik the program */
export async function openDoors(stand: Stand, traefik: string, issuer: Issuer): Promise<Ports> {
  const folder = stand.folderOf('traefik')
  const { ca, certificate, key } = issueCertificates()
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  file('postern-ca.pem', ca)
  const pair = `certificate: { file: ${file('certificate.pem', certificate)} }, key: { file: ${file('key.pem', key)} }`
  const postern = await stand.postern('Postern', issuer, {
    listen: `tls: { address: 127.0.0.1:${await portNear(0)}, ${pair} }`,
  })
  const pem = { BENCH_CERTIFICATE: certificate, BENCH_KEY: key }
  const still = await stand.bare('static 200', 'bare-node', issuer, pem)
  const upstream = stand.keep(await startSubject('upstream', './subjects/bare-node.ts', [], PLAIN))
  if (postern.tls === null || still.tls === null) throw new Error('a listener with TLS is missing')
  const checks = {
    none: null,
    stillHttp: { port: still.port, https: false },
    stillHttps: { port: still.tls, https: true },
    http: { port: postern.port, https: false },
    https: { port: postern.tls, https: true },
  }
  const doors: Door[] = []
  for (const [name, check] of Object.entries(checks)) doors.push({ name, check, port: await portNear(0) })
  const house = { folder, upstream: upstream.port, secret: PROXY_SECRET }
  file('dynamic.yml', JSON.stringify(await dynamicOf(doors, house)))
  const configuration = file('static.yml', JSON.stringify(await staticOf(doors, house)))
  const running = stand.keep(launch(traefik, [`--configFile=${configuration}`], { folder }))
  const known = requestBytes(issuer.token())
  for (const { port } of doors) await until(() => allowed(port, known), running)
  return Object.fromEntries(doors.map(({ name, port }) => [name, port])) as Ports
}

async function allowed(port: number, request: string): Promise<boolean> {
  try {
    const { failures } = await load(port, 1, 1, () => request)
    return failures === 0
  } catch {
    // Nobody listens yet.
    return false
  }
}
