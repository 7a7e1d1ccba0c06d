/** A certificate authority for one test run: private keys have no place in a repository. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface Certificates {
  /** What a proxy trusts. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/** A server certificate for 127.0.0.1 and `postern`, and the authority that issued it. All in PEM. */
export function issueCertificates(): Certificates {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ca = certificate('Test CA', 'Test CA', authority.publicKey, authority.privateKey, [
    extension('551d13', tlv(0x30, Buffer.from('0101ff', 'hex'))), // basicConstraints: a CA
  ])
  const leaf = certificate('postern', 'Test CA', server.publicKey, authority.privateKey, [
    // subjectAltName: dNSName, iPAddress
    extension('551d11', tlv(0x30, tlv(0x82, Buffer.from('postern')), tlv(0x87, Buffer.from([127, 0, 0, 1])))),
  ])
  return {
    ca: pem('CERTIFICATE', ca),
    certificate: pem('CERTIFICATE', leaf),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const ECDSA_SHA256 = tlv(0x30, tlv(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
let serial = 1

/** X.509 v3, RFC 5280 section 4.1. */
function certificate(
  subject: string,
  issuer: string,
  holder: KeyObject,
  signer: KeyObject,
  extensions: Buffer[],
): Buffer {
  const day = 86_400_000
  const toBeSigned = tlv(
    0x30,
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), // v3
    tlv(0x02, Buffer.from([serial++])),
    ECDSA_SHA256,
    name(issuer),
    tlv(0x30, time(Date.now() - day), time(Date.now() + 30 * day)),
    name(subject),
    holder.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, tlv(0x30, ...extensions)),
  )
  return tlv(0x30, toBeSigned, ECDSA_SHA256, tlv(0x03, Buffer.from([0]), sign('sha256', toBeSigned, signer)))
}

/** One DER element. */
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function name(commonName: string): Buffer {
  return tlv(
    0x30,
    tlv(0x31, tlv(0x30, tlv(0x06, Buffer.from('550403', 'hex')), tlv(0x0c, Buffer.from(commonName)))),
  )
}

function time(at: number): Buffer {
  return tlv(0x17, Buffer.from(`${new Date(at).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))
}

function extension(identifier: string, value: Buffer): Buffer {
  return tlv(0x30, tlv(0x06, Buffer.from(identifier, 'hex')), tlv(0x04, value))
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
