import { constants, createHash, sign as cryptoSign, type KeyObject, privateEncrypt } from 'node:crypto'
import { type Forge, type Forgery, type Good, headerOf, variants } from '../forgery.ts'
import { type Smith, segmentOf } from '../smith.ts'

const big = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex') || '0'}`)
const bytesOf = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')

/** Orders of the base points (SEC 2 sections 2.4.2, 2.5.1 and 2.6.1; RFC 8032 section 5.1). */
const ORDER: Readonly<Record<string, bigint>> = {
  'P-256': 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  'P-384':
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  'P-521': BigInt(`0x01${'ff'.repeat(32)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
}
const L = 2n ** 252n + 27742317777372353535851937790883648493n

/** A token of which only the signature is another. */
const resigned =
  (change: (signature: Buffer, smith: Smith, good: Good, input: string) => Buffer | null): Forge =>
  (smith, good) => {
    let possible = true
    const token = smith.resigned(headerOf(smith, good), good.claims, (signature, input) => {
      const changed = change(signature, smith, good, input)
      possible &&= changed !== null
      return changed ?? signature
    })
    return possible ? token : null
  }

/** The pair of numbers of an ECDSA signature, changed. */
const pair = (change: (r: bigint, s: bigint, n: bigint) => readonly [bigint, bigint] | null): Forge =>
  resigned((signature, { scheme: { curve } }) => {
    if (curve === null) return null
    const length = signature.length / 2
    const [r, s] = [big(signature.subarray(0, length)), big(signature.subarray(length))]
    const changed = change(r, s, ORDER[curve] ?? 0n)
    if (changed === null) return null
    // What does not fit goes to the largest that does.
    const fitting = changed.map((value) => bytesOf(value < 256n ** BigInt(length) ? value : 0n, length))
    return Buffer.concat(fitting)
  })

const rsa = (change: (signature: bigint, modulus: bigint, size: number) => Buffer): Forge =>
  resigned((signature, { publicKey }) => {
    const n = publicKey?.asymmetricKeyType === 'rsa' ? publicKey.export({ format: 'jwk' }).n : undefined
    return n === undefined ? null : change(big(signature), big(Buffer.from(n, 'base64url')), signature.length)
  })

/** DigestInfo of RFC 8017 section 9.2, note 1, up to the digest. */
const DIGEST_INFO: Readonly<Record<string, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}

/** A PKCS #1 v1.5 signature over a block that is not the one of RFC 8017 section 9.2. */
const block = (build: (digest: Buffer, info: Buffer, size: number, hash: string) => Buffer): Forge =>
  resigned((signature, { scheme: { family, hash }, privateKey }, _, input) => {
    if (family !== 'RS' || hash === null || privateKey === null) return null
    const digest = createHash(hash).update(input).digest()
    const info = Buffer.from(DIGEST_INFO[hash] ?? '', 'hex')
    const built = build(digest, info, signature.length, hash)
    return privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, built)
  })

/** 00 01 FF … FF 00 and then this. */
const padded = (content: Buffer, size: number): Buffer =>
  Buffer.concat([
    Buffer.from([0, 1]),
    Buffer.alloc(size - 3 - content.length, 0xff),
    Buffer.from([0]),
    content,
  ])

/** A PSS signature with a salt of this length. */
const salted = (saltLength: number): Forge =>
  resigned((_, { scheme: { family, hash }, privateKey }, __, input) =>
    family !== 'PS' || hash === null || privateKey === null
      ? null
      : cryptoSign(hash, Buffer.from(input), {
          key: privateKey as KeyObject,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength,
        }),
  )

export const signatureForgeries: readonly Forgery[] = [
  {
    name: 'no signature, or too little of it',
    source: 'RFC 7515 section 5.2, CVE-2020-28042',
    fate: 'refused',
    variants: {
      empty: resigned(() => Buffer.alloc(0)),
      ...variants([1, 2, 7, 16, 31], (length, smith, good) =>
        resigned((signature) => signature.subarray(0, length))(smith, good),
      ),
      half: resigned((signature) => signature.subarray(0, signature.length / 2)),
      'the second half': resigned((signature) => signature.subarray(signature.length / 2)),
      'all but the last byte': resigned((signature) => signature.subarray(0, -1)),
      'all but the first byte': resigned((signature, { publicKey }) =>
        publicKey?.asymmetricKeyType === 'rsa' ? null : signature.subarray(1),
      ),
    },
  },
  {
    name: 'more than the signature',
    source: 'RFC 7518 section 3, Wycheproof "appended zeros"',
    fate: 'refused',
    variants: {
      'a zero behind': resigned((signature) => Buffer.concat([signature, Buffer.alloc(1)])),
      'a zero before': resigned((signature) => Buffer.concat([Buffer.alloc(1), signature])),
      'sixteen bytes behind': resigned((signature) => Buffer.concat([signature, Buffer.alloc(16, 0xa5)])),
      twice: resigned((signature) => Buffer.concat([signature, signature])),
      'four kilobytes behind': resigned((signature) => Buffer.concat([signature, Buffer.alloc(4096)])),
    },
  },
  {
    name: 'a signature of nothing: zeros, ones, all bits set',
    source: 'CVE-2022-21449 ("psychic signatures")',
    fate: 'refused',
    variants: {
      zeros: resigned((signature) => Buffer.alloc(signature.length)),
      'one at the end': resigned((signature) => bytesOf(1n, signature.length)),
      'all bits set': resigned((signature) => Buffer.alloc(signature.length, 0xff)),
    },
  },
  {
    name: 'one bit of the signature flipped',
    source: 'RFC 7515 section 5.2',
    fate: 'refused',
    runs: 10,
    variants: {
      anywhere: resigned((signature, _, { any }) => {
        const changed = Buffer.from(signature)
        const at = any % (8 * changed.length)
        changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7))
        return changed
      }),
    },
  },
  {
    name: 'a signature of something else',
    source: 'RFC 7515 section 5.2',
    fate: 'refused',
    variants: {
      'of another token': (smith, good) => {
        const other = smith.token(headerOf(smith, good), { ...good.claims, sub: 'root', jti: 'other' })
        return spliced(smith.token(headerOf(smith, good), good.claims), other)
      },
      'of the same claims under another header': (smith, good) =>
        spliced(
          smith.token(headerOf(smith, good), good.claims),
          smith.token({ ...headerOf(smith, good), kid: 'another kid' }, good.claims),
        ),
      'of the payload alone': resigned((_, smith, __, input) => smith.signature(input.split('.')[1] ?? '')),
      'of the header alone': resigned((_, smith, __, input) => smith.signature(input.split('.')[0] ?? '')),
      'of both without the dot': resigned((_, smith, __, input) => smith.signature(input.replace('.', ''))),
      'of the decoded claims': resigned((_, smith, good) => smith.signature(JSON.stringify(good.claims))),
      'of nothing': resigned((_, smith) => smith.signature('')),
    },
  },
  {
    name: 'ECDSA: r and s out of range',
    source: 'RFC 7518 section 3.4, SEC 1 section 4.1.4, CVE-2022-21449',
    fate: 'refused',
    variants: {
      'r = 0': pair((_, s) => [0n, s]),
      's = 0': pair((r) => [r, 0n]),
      'r = s = 0': pair(() => [0n, 0n]),
      'r = n': pair((_, s, n) => [n, s]),
      's = n': pair((r, _, n) => [r, n]),
      'r = s = n': pair((_, __, n) => [n, n]),
      'r = 0, s = 1': pair(() => [0n, 1n]),
      'r = 1, s = 0': pair(() => [1n, 0n]),
      'r = s = 1': pair(() => [1n, 1n]),
      'r = n, s = 1': pair((_, __, n) => [n, 1n]),
      'r = n - 1, s = 1': pair((_, __, n) => [n - 1n, 1n]),
      'r + n': pair((r, s, n) => [r + n, s]),
      's + n': pair((r, s, n) => [r, s + n]),
      '-r': pair((r, s, n) => [n - r, s]),
      swapped: pair((r, s) => (r === s ? null : [s, r])),
    },
  },
  {
    name: 'ECDSA: in another form',
    source: 'RFC 7518 section 3.4 (r and s side by side in full length)',
    fate: 'refused',
    variants: {
      DER: resigned((_, { scheme: { hash, curve }, privateKey }, __, input) =>
        curve === null || privateKey === null
          ? null
          : cryptoSign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: 'der' }),
      ),
      'r and s with a zero before each': resigned((signature, { scheme }) =>
        scheme.curve === null
          ? null
          : Buffer.concat([
              Buffer.alloc(1),
              signature.subarray(0, signature.length / 2),
              Buffer.alloc(1),
              signature.subarray(signature.length / 2),
            ]),
      ),
      'little-endian': resigned((signature, { scheme }) =>
        scheme.curve === null
          ? null
          : Buffer.concat([
              Buffer.from(signature.subarray(0, signature.length / 2)).reverse(),
              Buffer.from(signature.subarray(signature.length / 2)).reverse(),
            ]),
      ),
    },
  },
  {
    name: 'ECDSA: n - s for s, which verifies as well; nothing here goes by the bytes of a signature',
    source: 'RFC 7518 asks for no canonical s',
    fate: 'accepted',
    variants: { 'n - s': pair((r, s, n) => [r, n - s]) },
  },
  {
    name: 'EdDSA: malleable and degenerate signatures',
    source: 'RFC 8032 sections 5.1.7 and 8.4',
    fate: 'refused',
    variants: {
      'S + L': resigned((signature, { scheme: { family } }) => {
        if (family !== 'Ed') return null
        const s = big(Buffer.from(signature.subarray(32)).reverse())
        return Buffer.concat([signature.subarray(0, 32), bytesOf(s + L, 32).reverse()])
      }),
      'S = L': edwards((r) => Buffer.concat([r, bytesOf(L, 32).reverse()])),
      'S = 0': edwards((r) => Buffer.concat([r, Buffer.alloc(32)])),
      'R the neutral element, S = 0': edwards(() => Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])),
      'R of order two, S = 0': edwards(() =>
        Buffer.concat([bytesOf(2n ** 255n - 20n, 32).reverse(), Buffer.alloc(32)]),
      ),
      'R and S swapped': edwards((r, s) => Buffer.concat([s, r])),
      'the sign of R flipped': edwards((r, s) => {
        const flipped = Buffer.from(r)
        flipped[31] = (flipped[31] ?? 0) ^ 0x80
        return Buffer.concat([flipped, s])
      }),
    },
  },
  {
    name: 'RSA: the signature as another number',
    source: 'RFC 8017 sections 5.2.2 and 8.2.2',
    fate: 'refused',
    variants: {
      'the modulus': rsa((_, n, size) => bytesOf(n, size)),
      'one less than the modulus': rsa((_, n, size) => bytesOf(n - 1n, size)),
      'n - s': rsa((s, n, size) => bytesOf(n - s, size)),
      's + n': rsa((s, n, size) => bytesOf(s + n, s + n < 256n ** BigInt(size) ? size : size + 1)),
    },
  },
  {
    name: 'RSA: the same number without its leading zero, a second spelling of one token in 256',
    source: 'RFC 8017 sections 8.1.2 and 8.2.2, step 1',
    fate: 'refused',
    stricter: 'OpenSSL takes it for PSS, and with it everybody who leaves the length to it.',
    runs: 1,
    variants: {
      'all but the first byte': (smith, good) => {
        if (smith.publicKey?.asymmetricKeyType !== 'rsa') return null
        const header = segmentOf(headerOf(smith, good))
        for (let jti = 0; ; jti++) {
          const input = `${header}.${segmentOf({ ...good.claims, jti })}`
          const signature = smith.signature(input)
          if (signature[0] === 0) return `${input}.${signature.subarray(1).toString('base64url')}`
        }
      },
    },
  },
  {
    name: 'RSA PKCS #1 v1.5: blocks that a lenient parser takes',
    source: "RFC 8017 section 9.2, Bleichenbacher's forgery (CVE-2006-4339)",
    fate: 'refused',
    variants: {
      'the digest without DigestInfo': block((digest, _, size) => padded(digest, size)),
      'short padding and bytes behind the digest': block((digest, info, size) => {
        const head = Buffer.concat([
          Buffer.from([0, 1]),
          Buffer.alloc(8, 0xff),
          Buffer.from([0]),
          info,
          digest,
        ])
        return Buffer.concat([head, Buffer.alloc(size - head.length, 0x5a)])
      }),
      'no NULL among the parameters': block((digest, info, size) => {
        const without = Buffer.concat([info.subarray(0, -4), info.subarray(-2)])
        without[1] = (without[1] ?? 0) - 2
        without[3] = (without[3] ?? 0) - 2
        return padded(Buffer.concat([without, digest]), size)
      }),
      'a length in two bytes': block((digest, info, size) =>
        padded(Buffer.concat([Buffer.from([0x30, 0x81, info[1] ?? 0]), info.subarray(2), digest]), size),
      ),
      'the name of another hash': block((digest, info, size) => {
        const other = Buffer.from(info)
        other[14] = (other[14] ?? 0) ^ 7
        return padded(Buffer.concat([other, digest]), size)
      }),
      'block type 2': block((digest, info, size) => {
        const built = padded(Buffer.concat([info, digest]), size)
        built[1] = 2
        return built
      }),
      'zeros as padding': block((digest, info, size) => {
        const content = Buffer.concat([info, digest])
        return Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(size - 2 - content.length), content])
      }),
      'a hole in the padding': block((digest, info, size) => {
        const built = padded(Buffer.concat([info, digest]), size)
        built[20] = 0
        return built
      }),
    },
  },
  {
    name: 'RSA PSS: a salt that is not as long as the hash',
    source: 'RFC 7518 section 3.5',
    fate: 'refused',
    variants: {
      'no salt': salted(0),
      'a short salt': salted(20),
      'the longest salt': salted(constants.RSA_PSS_SALTLEN_MAX_SIGN),
    },
  },
]

function edwards(change: (r: Buffer, s: Buffer) => Buffer): Forge {
  return resigned((signature, { scheme: { family } }) =>
    family === 'Ed' ? change(signature.subarray(0, 32), signature.subarray(32)) : null,
  )
}

/** The first two segments of one token with the third of another. */
function spliced(token: string, other: string): string {
  return [...token.split('.').slice(0, 2), other.split('.')[2]].join('.')
}
