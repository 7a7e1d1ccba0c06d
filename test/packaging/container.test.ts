/**
 * The image and the compose file, as far as they can be judged without a container engine: against the Compose
 * Specification's schema and a Dockerfile parser, and by what they promise.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { DockerfileParser } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '..', '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Service {
  readonly image?: string
  readonly entrypoint?: readonly string[]
  readonly user?: string
  readonly ports?: readonly string[]
  readonly networks?: readonly string[]
  readonly volumes?: readonly string[]
  readonly secrets?: readonly (string | { readonly source: string; readonly target: string })[]
  readonly working_dir?: string
  readonly environment?: unknown
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly command?: readonly string[]
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { internal?: boolean; ipam?: { config: { subnet: string }[] } }>>
  readonly secrets: Readonly<Record<string, { file: string }>>
  readonly volumes: Readonly<Record<string, unknown>>
}

describe('compose.yaml', () => {
  const compose: Compose = parse(read('traefik/compose.yaml'))
  const services = Object.entries(compose.services)
  const policy = parse(read('traefik/postern.yaml'))

  it('is a compose file by the Compose Specification', () => {
    const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false })
    const conforms = ajv.compile(JSON.parse(read('test/fixtures/schemas/compose-spec.json')))
    expect(conforms(compose) ? [] : conforms.errors).toEqual([])
    // The schema does find what is wrong: it is not an empty promise.
    expect(conforms({ services: { app: { imgae: 'x' } } })).toBe(false)
  })

  it('publishes a port of Traefik and of nobody else', () => {
    expect(services.filter(([, service]) => service.ports !== undefined).map(([name]) => name)).toEqual([
      'traefik',
    ])
  })

  it('lets only Traefik reach the upstream, and the upstream reach nobody', () => {
    expect(compose.services['app']?.networks).toEqual(['upstream'])
    expect(compose.networks['upstream']?.internal).toBe(true)
    const others = services.filter(([, { networks }]) => networks?.includes('upstream')).map(([name]) => name)
    expect(others.sort()).toEqual(['app', 'traefik'])
  })

  it('keeps the checks on a network of their own, the one that the policy trusts', () => {
    expect(compose.networks['checks']?.internal).toBe(true)
    const members = services.filter(([, { networks }]) => networks?.includes('checks')).map(([name]) => name)
    expect(members.sort()).toEqual(['postern', 'traefik'])
    expect(policy.proxies.traefik.peers).toEqual(
      compose.networks['checks']?.ipam?.config.map(({ subnet }) => subnet),
    )
  })

  it.each(services)('%s runs without root, capabilities or a writable file system', (name, service) => {
    expect(service.read_only).toBe(true)
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.security_opt).toEqual(['no-new-privileges:true'])
    // Postern's user stands in its image.
    if (name !== 'postern') expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  })

  it('holds no secret, only files that version control ignores', () => {
    for (const [, service] of services) expect(service.environment).toBe(undefined)
    for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/secrets\/[\w.]+$/)
    expect(read('traefik/secrets/.gitignore')).toBe('*\n!.gitignore\n')
    expect(policy.proxies.traefik.secret).toEqual({ file: '/run/secrets/postern_secret' })
  })

  it('gives Traefik the authority, and Postern alone the key, where their configuration looks for them', () => {
    const traefik = compose.services['traefik']
    const { ca } = parse(read('traefik/dynamic.yml')).http.middlewares.postern.forwardAuth.tls
    expect(traefik?.secrets).toEqual([
      'postern_secret',
      { source: 'postern_ca', target: `${traefik?.working_dir}/${ca}` },
    ])
    const { certificate, key } = policy.listen.tls
    expect([certificate.file, key.file]).toEqual([
      '/run/secrets/postern_certificate',
      '/run/secrets/postern_key',
    ])
    expect(compose.services['postern']?.secrets).toEqual([
      'postern_secret',
      'postern_certificate',
      'postern_key',
    ])
  })

  it('serves a policy without a problem', () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-compose-'))
    try {
      writeFileSync(join(folder, 'postern_secret'), `${randomBytes(32).toString('hex')}\n`)
      writeFileSync(
        join(folder, 'postern.yaml'),
        read('traefik/postern.yaml').replaceAll('/run/secrets/', `${folder}/`),
      )
      const command = [join(ROOT, 'src', 'cli', 'main.ts'), 'check', join(folder, 'postern.yaml')]
      const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('mounts only files that exist, read-only, and the volume that the policy keeps its state in', () => {
    const state = compose.services['postern']?.volumes?.find((mount) => !mount.startsWith('./')) ?? ''
    const [volume = '', place = '', ...options] = state.split(':')
    expect(Object.keys(compose.volumes)).toEqual([volume])
    expect([dirname(policy.store.sqlite), options]).toEqual([place, []])
    // A new volume takes over the owner of what it is mounted on, and Postern is not root.
    expect(read('Dockerfile')).toContain(`COPY --from=build --chown=1000:1000 /build/state ${place}`)
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes).filter((mount) => mount !== state)
    for (const mount of mounts) {
      expect(mount).toMatch(/:ro$/)
      expect(existsSync(join(ROOT, 'traefik', mount.split(':')[0] ?? '')), mount).toBe(true)
    }
    expect(mounts).toHaveLength(3)
  })

  it('calls Postern and the upstream what the configuration of Traefik calls them', () => {
    const dynamic = read('traefik/dynamic.yml')
    const addresses = [...dynamic.matchAll(/https?:\/\/([a-z]+):(\d+)/g)].map(([, name, port]) => [
      name,
      port,
    ])
    expect(addresses).toEqual([
      ['postern', '8443'],
      ['postern', '8081'],
      ['app', '3000'],
    ])
    expect(policy.listen.tls.address).toBe('0.0.0.0:8443')
    expect(compose.services['app']?.command).toEqual(['--port', '3000'])
    expect(compose.services['traefik']?.ports).toEqual(['80:8080'])
    expect(read('traefik/traefik.yml')).toContain('address: ":8080"')
  })

  it('hands the content of the secret file to Traefik', () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-compose-'))
    try {
      writeFileSync(join(folder, 'postern_secret'), 's3cr3t\n')
      writeFileSync(join(folder, 'traefik'), '#!/bin/sh\nprintf "%s %s" "$POSTERN_SECRET" "$1"\n', {
        mode: 0o755,
      })
      // `$$` is how a compose file writes a dollar sign that is not a variable of its own.
      const [shell = '', ...args] = (compose.services['traefik']?.entrypoint ?? []).map((part) =>
        part.replaceAll('$$', '$').replaceAll('/run/secrets', folder),
      )
      const output = execFileSync(shell, args, { env: { PATH: `${folder}:/usr/bin:/bin` }, encoding: 'utf8' })
      expect(output).toBe('s3cr3t --configFile=traefik.yml')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('Dockerfile', () => {
  const text = read('Dockerfile')
  const file = DockerfileParser.parse(text)
  const instructions = file.getInstructions().map((each) => ({
    keyword: each.getKeyword(),
    text: each.getArgumentsContent() ?? '',
  }))
  const lastStage = instructions.slice(instructions.map(({ keyword }) => keyword).lastIndexOf('FROM'))
  const only = (keyword: string): string[] =>
    lastStage.filter((each) => each.keyword === keyword).map((each) => each.text)

  it('has nothing in it that a Dockerfile parser objects to', () => {
    expect(validate(text)).toEqual([])
    expect(validate('FROM node\nRUNN x\n')).not.toEqual([])
  })

  it('does not run as root', () => {
    expect(only('USER')).toEqual(['1000:1000'])
  })

  it('needs no shell: entry point, command and health check are in exec form, and the last stage runs nothing', () => {
    const exec = /^\[".*"\]$/s
    expect(only('RUN')).toEqual([])
    expect(only('ENTRYPOINT').join()).toMatch(exec)
    expect(only('CMD').join()).toMatch(exec)
    const [health = ''] = only('HEALTHCHECK')
    expect(health.slice(health.indexOf('CMD') + 4).trim()).toMatch(exec)
    expect(JSON.parse(only('ENTRYPOINT').join())).toEqual(['node', '/app/dist/cli/main.js'])
  })

  it('takes nothing from the network by address, and holds no secret', () => {
    expect(instructions.filter(({ keyword }) => keyword === 'ADD' || keyword === 'ARG')).toEqual([])
    expect(only('ENV')).toEqual(['NODE_ENV=production'])
  })

  it('sees only the files that the build needs', () => {
    const patterns = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(patterns[0]).toBe('*')
    expect(patterns.slice(1).every((line) => line.startsWith('!'))).toBe(true)
  })

  it('asks the address that the health listener of the compose file has', () => {
    const { health } = parse(read('traefik/postern.yaml')).listen
    expect(only('HEALTHCHECK').join()).toContain(`http://${health}/readyz`)
  })

  it.each([
    [200, 0],
    [503, 1],
    [null, 1],
  ])('its health check sees an answer of %s as %s', async (status, code) => {
    const server = createServer((_, response) => response.writeHead(status ?? 500).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    if (status === null) await new Promise((resolve) => server.close(resolve))
    const [health = ''] = only('HEALTHCHECK')
    const [, ...args] = JSON.parse(health.slice(health.indexOf('CMD') + 4)) as string[]
    const child = spawn(
      process.execPath,
      args.map((arg) => arg.replace('127.0.0.1:8082', `127.0.0.1:${port}`)),
    )
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(code)
    server.close()
  })
})
