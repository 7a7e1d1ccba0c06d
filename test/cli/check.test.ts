import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkCommand } from '../../src/cli/check.ts'
import { initCommand } from '../../src/cli/init.ts'
import { strong } from '../support/policy.ts'

const cwd = mkdtempSync(join(tmpdir(), 'postern-'))
afterAll(() => rmSync(cwd, { recursive: true }))

/** Runs a command in a folder of its own. */
async function run(
  command: typeof checkCommand,
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await command(file, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env,
    cwd,
    isTerminal: false,
  })
  return { code, out, err }
}

const POLICY = `proxies: { traefik: { secret: "\${PROXY_SECRET}" }, nginx: { secret: { file: ./secret.txt } } }
routes: { a: { match: { path: /a }, credentials: [anonymous] } }
`

describe('postern init', () => {
  it('writes a policy that passes postern check at once, and says what is next', async () => {
    expect(await run(initCommand, 'postern.yaml')).toMatchObject({ code: 0, err: '' })
    expect(await run(checkCommand, 'postern.yaml')).toEqual({
      code: 0,
      out: 'postern.yaml: no problems (3 routes, 2 limits, 2 roles)\n',
      err: '',
    })
    expect(readFileSync(join(cwd, 'postern.yaml'), 'utf8')).toMatch(/^# yaml-language-server: \$schema=/)
  })

  it('never writes over a file', async () => {
    writeFileSync(join(cwd, 'mine.yaml'), 'mine')
    const { code, err } = await run(initCommand, 'mine.yaml')
    expect({ code, err }).toEqual({ code: 1, err: 'mine.yaml exists already and is left as it is\n' })
    expect(readFileSync(join(cwd, 'mine.yaml'), 'utf8')).toBe('mine')
  })
})

describe('postern check', () => {
  it('reads secrets from the environment and from files beside the policy', async () => {
    writeFileSync(join(cwd, 'p.yaml'), POLICY)
    writeFileSync(join(cwd, 'secret.txt'), `${strong('file')}\n`)
    expect(await run(checkCommand, 'p.yaml', { PROXY_SECRET: strong('proxy') })).toEqual({
      code: 0,
      out: 'p.yaml: no problems (1 route, 0 limits, 0 roles)\n',
      err: '',
    })
  })

  it('prints each problem as file:line:column path: what is wrong, on standard error, and exits 1', async () => {
    writeFileSync(join(cwd, 'bad.yaml'), POLICY.replace('[anonymous]', '[anonymos]'))
    const { code, out, err } = await run(checkCommand, 'bad.yaml')
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err.trimEnd().split('\n')).toEqual([
      'bad.yaml:1:31 proxies.traefik.secret: refers to PROXY_SECRET, which is not in the environment: set it before the start',
      'bad.yaml:2:51 routes.a.credentials[0]: `anonymos` is not a credential of this policy: did you mean `anonymous`?',
      '2 problems',
    ])
  })

  it('names a file that cannot be read as a problem of its own', async () => {
    const { code, err } = await run(checkCommand, 'nowhere.yaml')
    expect(code).toBe(1)
    expect(err).toMatch(/^nowhere\.yaml:1:1 policy: cannot be read \(ENOENT\)/)
  })
})
