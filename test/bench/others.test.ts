import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import type { Figure } from '../../bench/figure.ts'
import { otherFigures } from '../../bench/others/index.ts'
import { onPath, PROGRAMS, writeFiles } from '../../bench/others/programs.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-others-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** Puts a program of that name on a PATH that holds nothing else but Node. */
function install(...names: readonly string[]): void {
  // Node takes the types out of .ts files alone.
  copyFileSync(join(import.meta.dirname, 'stand-in.ts'), join(folder, 'stand-in.ts'))
  for (const name of names) {
    const script = `#!/bin/sh\nexec "${process.execPath}" --import "${folder}/${name}.mjs" "${folder}/stand-in.ts" "$@"\n`
    writeFileSync(join(folder, `${name}.mjs`), `process.argv[1] = ${JSON.stringify(`/bin/${name}`)}\n`)
    writeFileSync(join(folder, name), script)
    chmodSync(join(folder, name), 0o755)
  }
  vi.stubEnv('PATH', `${folder}:${dirname(process.execPath)}`)
}

async function measured(): Promise<{ figures: Figure[]; notes: string[] }> {
  const figures: Figure[] = []
  const notes: string[] = []
  await otherFigures(
    { quick: true, note: (text) => void notes.push(text) },
    (figure) => void figures.push(figure),
  )
  return { figures, notes }
}

/** Programs start one after the other, on machines that do other things as well. */
const PATIENCE = 120_000

describe('programs that users would otherwise pick', { timeout: PATIENCE }, () => {
  it('are left out with a word where they are not installed, and nothing is measured', async () => {
    install()
    expect(await measured()).toEqual({
      figures: [],
      notes: ['Without the rows about oauth2-proxy, heimdall, oathkeeper: not on the PATH.'],
    })
  })

  it('are asked with a token that they verify by the key set, warm and never seen, where they are installed', async () => {
    install(...PROGRAMS.map(({ name }) => name))
    const { figures, notes } = await measured()
    expect(notes).toEqual([])
    expect(figures.map(({ what, against }) => `${what}, ${against}`)).toEqual(
      PROGRAMS.flatMap(({ name }) => [`warm JWT decision, ${name}`, `never-seen RS256 token, ${name}`]),
    )
  })

  it('that end before they answer end the benchmark with what they said', async () => {
    writeFileSync(join(folder, 'heimdall'), '#!/bin/sh\necho "no such option" >&2\nexit 3\n', { mode: 0o755 })
    vi.stubEnv('PATH', folder)
    await expect(measured()).rejects.toThrow('no such option')
  })

  it('are found only as something that can be run', () => {
    writeFileSync(join(folder, 'oathkeeper'), 'not a program')
    mkdirSync(join(folder, 'second'))
    writeFileSync(join(folder, 'second', 'oathkeeper'), '#!/bin/sh\n', { mode: 0o755 })
    expect(onPath('oathkeeper', `${folder}:${join(folder, 'second')}`)).toBe(
      join(folder, 'second', 'oathkeeper'),
    )
    expect(onPath('oathkeeper', '')).toBe(null)
  })
})

describe.each(PROGRAMS)('the configuration of $name', (program) => {
  const places = {
    PORT: 1,
    SPARE_PORT: 2,
    OTHER_PORT: 3,
    ISSUER: 'https://i',
    AUDIENCE: 'a',
    JWKS: 'http://k',
  }

  it('is filled in whole, and is what its form says', () => {
    writeFiles(program, folder, places)
    for (const file of program.files) {
      const text = readFileSync(join(folder, file), 'utf8')
      expect(text).not.toMatch(/@[A-Z_]+@/)
      if (file.endsWith('.yaml')) expect(parse(text)).toBeTypeOf('object')
    }
  })

  it('calls nothing that nobody names', () => {
    const { JWKS: _, ...without } = places
    expect(() => writeFiles(program, folder, without)).toThrow('@JWKS@')
  })
})
