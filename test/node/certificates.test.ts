/** Proxies that prove themselves with a client certificate, over real TLS. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { type RequestOptions, request } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificates, issueCertificates } from '../e2e/certificate.ts'
import { Place } from './served.ts'

const place = new Place()
const server = issueCertificates()
const [proxy, stranger] = [issueCertificates(), issueCertificates()]
const digestOf = ({ certificate }: Certificates): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()

/** With an authority to trust, OpenSSL would send that along as if it had issued the client's certificate: they bear one name. */
const TRUST = { rejectUnauthorized: false }

let [tls, plain] = ['', '']

beforeAll(async () => {
  place.write('server.pem', server.certificate)
  place.write('server.key', server.key)
  const { ready } = await place.serve(`
listen:
  check: 127.0.0.1:0
  health: 127.0.0.1:0
  tls: { address: 127.0.0.1:0, certificate: { file: server.pem }, key: { file: server.key } }
proxies:
  traefik: { certificates: ["sha256:${digestOf(proxy)}"] }
  caddy: { certificates: ["sha256:${digestOf(proxy)}"], peers: [127.0.0.2/32] }
store: memory
routes: { app: { match: { path: /** }, credentials: [anonymous] } }
`)
  tls = ready.listen['tls'] ?? ''
  plain = ready.listen['check'] ?? ''
})
afterAll(() => place.leave())

const FIELDS = {
  'x-forwarded-method': 'GET',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'app.example.com',
  'x-forwarded-uri': '/x',
  'x-forwarded-for': '203.0.113.9',
}

async function statusFor(identity: Certificates | null, name = 'traefik', part: RequestOptions = {}) {
  const asked = request(`https://${tls}/check/${name}`, {
    ...TRUST,
    headers: FIELDS,
    agent: false,
    ...(identity === null ? {} : { cert: identity.certificate, key: identity.key }),
    ...part,
  }).end()
  const [response] = await once(asked, 'response')
  response.resume()
  return response.statusCode as number
}

describe('a proxy that must show a certificate', () => {
  it('is believed with the one that the policy names, over HTTP/1.1 and over h2', async () => {
    expect(await statusFor(proxy)).toBe(200)
    const session = connect(`https://${tls}`, { ...TRUST, cert: proxy.certificate, key: proxy.key })
    const stream = session.request({ ':path': '/check/traefik', ...FIELDS })
    const [headers] = await once(stream, 'response')
    await once(stream.resume(), 'close')
    session.close()
    expect(headers[':status']).toBe(200)
  })

  it('is a stranger without one, with another one, and where no TLS could carry it', async () => {
    expect(await statusFor(null)).toBe(403)
    expect(await statusFor(stranger)).toBe(403)
    const answer = await fetch(`http://${plain}/check/traefik`, { headers: FIELDS })
    expect(answer.status).toBe(403)
  })

  it('cannot show a certificate whose key it does not hold', async () => {
    await expect(
      statusFor({ ...proxy, key: stranger.key }).catch((error: NodeJS.ErrnoException) => error.code),
    ).resolves.toBe('ERR_OSSL_X509_KEY_VALUES_MISMATCH')
  })

  it('has to meet whatever else its entry demands', async () => {
    expect(await statusFor(proxy, 'caddy')).toBe(403)
    expect(await statusFor(proxy, 'caddy', { localAddress: '127.0.0.2' })).toBe(200)
  })
})
