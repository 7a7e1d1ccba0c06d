import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { STARTER } from '../../src/cli/init.ts'
import { strong } from '../support/policy.ts'
import { type Desk, deskOf } from './support.ts'

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

const SECRETS = Object.fromEntries(
  [
    ...['POSTERN_SECRET', 'JWT_SECRET', 'API_KEY_PEPPER', 'QUICKSTART_JWT_SECRET', 'QUICKSTART_PEPPER'],
    ...['TRAEFIK_SECRET', 'REDIS_PASSWORD', 'MESSAGE_KEY'],
  ].map((name) => [name, strong(name)]),
)

let desk: Desk
beforeAll(() => {
  desk = deskOf('memory', { ...SECRETS, QUICKSTART_KEY_DIGEST: `hmac-sha256:v1:${strong('key')}` })
})
afterAll(() => desk.end())

const WEAK = `proxies:
  traefik: { peers: [10.0.0.0/8], secret: "\${POSTERN_SECRET}" }
limits: { per-client: { by: client, rate: 10/minute } }
routes:
  health: { match: { path: /health, methods: [GET] }, credentials: [anonymous], limits: [per-client] }
  all: { match: { host: a.example.com, path: /** }, credentials: [anonymous], limits: [per-client] }
`

const PAGE = 'docs/security/hardening.md'
const LINES = [
  `weak.yaml:2:22 proxies.traefik.peers[0]: takes checks from all of 10.0.0.0/8: name the addresses of the proxy (${PAGE}#proxy-peers-narrow)`,
  `weak.yaml:5:20 routes.health.match: holds for every host: write host (${PAGE}#route-host)`,
  `weak.yaml:6:17 routes.all.match: lets strangers use every method: write methods, such as [GET] (${PAGE}#route-methods)`,
  `weak.yaml:6:46 routes.all.match.path: lets strangers into whatever no other route names: name what is public (${PAGE}#route-anonymous)`,
]

describe('postern check --strict', () => {
  beforeAll(() => desk.file('weak.yaml', WEAK))

  it('lists every finding with its place and its item, in the order of the file, and exits 1', async () => {
    const { code, out, err } = await desk.run(['check', '--strict', 'weak.yaml'])
    expect(code).toBe(1)
    expect(out).toBe('weak.yaml: no problems (2 routes, 1 limit, 0 roles)\n')
    expect(err.trimEnd().split('\n')).toEqual([...LINES, '4 findings'])
  })

  it('is asked for: without it a sound policy is sound, however weak', async () => {
    expect(await desk.run(['check', 'weak.yaml'])).toEqual({
      code: 0,
      out: 'weak.yaml: no problems (2 routes, 1 limit, 0 roles)\n',
      err: '',
    })
  })

  it('finds the same in JSON', async () => {
    const policy = {
      proxies: { traefik: { peers: ['10.0.0.0/8'], secret: '${POSTERN_SECRET}' } },
      routes: {
        a: { match: { host: 'a.example.com', path: '/a', methods: ['GET'] }, credentials: ['anonymous'] },
      },
    }
    desk.file('weak.json', JSON.stringify(policy, null, 2))
    const { code, err } = await desk.run(['check', '--strict', 'weak.json'])
    expect(code).toBe(1)
    expect(err.split('\n').map((line) => line.replace(/: .*#/, ' #'))).toEqual([
      'weak.json:5:9 proxies.traefik.peers[0] #proxy-peers-narrow)',
      'weak.json:11:10 routes.a #route-client-limit)',
      '2 findings',
      '',
    ])
  })

  it('says what is wrong before what is weak', async () => {
    desk.file('wrong.yaml', WEAK.replace('GET', 'get'))
    const { code, out, err } = await desk.run(['check', '--strict', 'wrong.yaml'])
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('1 problem\n')
    expect(err).not.toContain(PAGE)
  })

  it('names a file that cannot be read as a problem', async () => {
    const { code, err } = await desk.run(['check', '--strict', 'nowhere.yaml'])
    expect(code).toBe(1)
    expect(err).toContain('nowhere.yaml:1:1 policy: cannot be read (ENOENT)')
  })

  it('passes what is accepted, item by item and place by place, and nothing beside it', async () => {
    const accept = ['proxy-peers-narrow', 'route-host=routes.health', 'route-methods=routes.all.match']
    const flags = accept.flatMap((one) => ['--accept', one])
    const most = await desk.run(['check', '--strict', ...flags, 'weak.yaml'])
    expect(most.code).toBe(1)
    expect(most.err.trimEnd().split('\n')).toEqual([LINES[3], '1 finding'])

    const all = await desk.run(['check', '--strict', ...flags, '--accept', 'route-anonymous', 'weak.yaml'])
    expect({ ...all, out: all.out.split('\n')[1] }).toEqual({
      code: 0,
      out: `weak.yaml: no findings, 4 accepted; 17 items of ${PAGE} are yours to see to`,
      err: '',
    })
  })

  it('accepts a place and what is in it, not one whose name begins alike', async () => {
    const { code, err } = await desk.run([
      'check',
      '--strict',
      '--accept',
      'route-host=routes.heal',
      'weak.yaml',
    ])
    expect(code).toBe(1)
    expect(err).toContain(LINES[1])
    expect(err).toContain('--accept route-host=routes.heal accepts nothing here: leave it out\n')
  })

  it.each([
    [['--strict', '--accept', 'route-hots'], '--accept route-hots names no item'],
    [['--strict', '--accept', ''], '--accept  names no item'],
    [['--strict', '--accept', 'route-host='], '--accept route-host= names no item'],
    [['--accept', 'route-host'], '--accept has a meaning with --strict only'],
  ])('is wrong usage with %j', async (flags, message) => {
    const { code, out, err } = await desk.run(['check', ...flags, 'weak.yaml'])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
  })

  it('shows no secret, whatever it finds about it', async () => {
    const second = 'proxies:\n  nginx: { secret: "${POSTERN_SECRET}" }'
    desk.file('twice.yaml', WEAK.replace('proxies:', second))
    const { out, err } = await desk.run(['check', '--strict', 'twice.yaml'])
    expect(err).toContain('proxies.nginx.secret: is the secret of proxies.traefik.secret too')
    for (const secret of Object.values(SECRETS)) expect(out + err).not.toContain(secret)
  })
})

describe('docs/security/hardening.md', () => {
  const page = read(PAGE)

  it('shows a finding as it is printed', async () => {
    desk.file('start.yaml', STARTER)
    const { err } = await desk.run(['check', '--strict', 'start.yaml'])
    const [shown = ''] = /^proxies\.traefik: .*$/m.exec(page.replaceAll(/^postern\.yaml:[\d:]+ /gm, '')) ?? []
    expect(shown).not.toBe('')
    expect(err).toContain(shown)
  })

  it('accepts only what is taken', async () => {
    const accepted = [...page.matchAll(/--accept (\S+=\S+)/g)].map(([, one]) => one ?? '')
    expect(accepted.length).toBe(2)
    const { code } = await desk.run([
      'check',
      '--strict',
      ...accepted.map((one) => `--accept=${one}`),
      'weak.yaml',
    ])
    expect(code).toBe(1)
  })
})

/**
 * Policies that users start from, and what `--strict` says of them. They show how things are written, or run on one
 * machine with made-up secrets, so each finding is one to settle with one's own hosts, issuers and networks.
 */
const KNOWN: Readonly<
  Record<string, { readonly text: string; readonly findings: Readonly<Record<string, string>> }>
> = {
  'examples/hardened.yaml': { text: read('examples/hardened.yaml'), findings: {} },
  'examples/full.yaml': {
    text: read('examples/full.yaml'),
    findings: {
      'secret-once': 'one secret for two proxies, so that the example needs few',
      'issuer-max-age': 'shows issuers with and without',
      'issuer-typ': 'shows issuers with and without',
      'issuer-asymmetric': 'shows a shared secret',
      'key-pepper': 'shows an imported key',
      'key-expires': 'of that imported key',
      'key-networks': 'of that imported key',
      'role-all': 'shows the widest permission',
      'route-host': 'a health page for every host',
      'route-client-limit': 'a health page that monitoring asks',
    },
  },
  'examples/quickstart.yaml': {
    text: read('examples/quickstart.yaml'),
    findings: {
      'proxy-proof': 'one machine: curl plays the proxy',
      'store-kept': 'nothing has to survive',
      bans: 'the lines to paste contain wrong credentials',
      'issuer-typ': 'tokens are made by the start script',
      'issuer-asymmetric': 'tokens are made by the start script',
      'issuer-max-age': 'the token to paste is good for the day',
      'key-expires': 'the key is new at each start',
      'key-networks': 'the key is new at each start',
      'role-all': 'shows the widest permission',
      'route-host': 'whatever name the machine has',
      'route-client-limit': 'shows routes with and without',
      'route-principal-limit': 'shows routes with and without',
      'route-require': 'a route that nobody reaches, to show networks',
      'route-methods': 'a route that shows a limit',
    },
  },
  'examples/worker.yaml': {
    text: read('examples/worker.yaml'),
    findings: {
      'secret-once': 'one secret for three proxies, so that the example needs few',
      'issuer-typ': 'tokens are made by the start script',
      'issuer-asymmetric': 'tokens are made by the start script',
      'issuer-max-age': 'the token to paste is good for the day',
      'key-expires': 'the key is new at each start',
      'key-networks': 'the key is new at each start',
      'role-all': 'shows the widest permission',
      'route-host': 'whatever name the Worker has',
      'route-client-limit': 'shows routes with and without',
      'route-principal-limit': 'shows routes with and without',
      'route-methods': 'routes that show a limit and countries',
    },
  },
  'what postern init writes': {
    text: STARTER,
    findings: {
      'proxy-proof': 'has to pass without a secret; the line for one stands there as a comment',
      bans: 'stands there as a comment',
      'issuer-max-age': 'whatever the issuer does',
      'issuer-typ': 'whatever the issuer does',
      'route-host': 'no host is known yet',
      'route-rest': 'one application',
      'route-client-limit': 'a health page that monitoring asks',
    },
  },
  'traefik/postern.yaml': {
    // Its secret is where the container has it.
    text: read('traefik/postern.yaml').replace(
      '{ file: /run/secrets/postern_secret }',
      '"${POSTERN_SECRET}"',
    ),
    findings: {
      bans: 'whatever networks share an address',
      'issuer-max-age': 'whatever the issuer does',
      'issuer-typ': 'whatever the issuer does',
      'route-host': 'no host is known yet',
      'route-rest': 'one application',
      'route-client-limit': 'a health page that monitoring asks',
      'route-principal-limit': 'one application',
    },
  },
}

describe('postern check --strict on a policy to start from', () => {
  it.each(Object.entries(KNOWN))(
    '%s: finds what is known of it, and nothing else',
    async (_, { text, findings }) => {
      desk.file('start.yaml', text)
      const { err } = await desk.run(['check', '--strict', 'start.yaml'])
      const found = [...err.matchAll(/hardening\.md#([a-z0-9-]+)\)/g)].map(([, id]) => id)
      expect([...new Set(found)].sort()).toEqual(Object.keys(findings).sort())
    },
  )
})
