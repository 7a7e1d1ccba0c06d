import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../src/ports/node-crypto.ts'
import { type Desk, deskOf, remoteDesk } from './support.ts'

const record = (number: number, more: object = {}) => ({
  owner: `o${number % 7}`,
  digest: `sha256:${sha256Hex(`ak_live_${number}`)}`,
  ...more,
})
const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => `${JSON.stringify(record(i))}\n`).join('')

let desk: Desk
beforeEach(() => {
  desk = deskOf('{ sqlite: ./state.db }')
})
afterEach(() => desk.end())

const count = async () => (await desk.json(['keys', 'list'])).length

describe('postern keys import', () => {
  it('takes JSON lines of any number, and the same file again changes nothing', async () => {
    desk.file('keys.jsonl', lines(2500))
    expect(await desk.json(['keys', 'import', 'keys.jsonl'])).toEqual({
      records: 2500,
      created: 2500,
      skipped: 0,
    })
    expect(await desk.json(['keys', 'import', 'keys.jsonl'])).toEqual({
      records: 2500,
      created: 0,
      skipped: 2500,
    })
    expect(await count()).toBe(2500)
  })

  it('takes CSV by its first line, quotes, lists and line breaks included', async () => {
    desk.file(
      'keys.csv',
      `\ufeffdigest,owner,roles,networks,description\r\n${record(1).digest},bot,user admin,10.0.0.0/8,"says ""hi"",\nand more"\r\n\r\n${record(2).digest},bot,,,\r\n`,
    )
    expect(await desk.json(['keys', 'import', 'keys.csv'])).toEqual({ records: 2, created: 2, skipped: 0 })
    const [one] = (await desk.json(['keys', 'list'])).filter(
      ({ roles }: { roles: string[] }) => roles.length > 0,
    )
    expect(one).toMatchObject({
      roles: ['user', 'admin'],
      networks: ['10.0.0.0/8'],
      description: 'says "hi",\nand more',
    })
  })

  it('reads standard input', async () => {
    const { code, out } = await desk.run(['keys', 'import', '-'], lines(3))
    expect([code, out]).toEqual([0, '3 records: 3 new, 0 known before\n'])
  })

  it('names the line of everything that is wrong, and goes on from there once it is put right', async () => {
    const all = lines(1500).trim().split('\n')
    all[1200] = JSON.stringify(record(1200, { roles: ['usr'] }))
    all[1300] = JSON.stringify(record(1200))
    desk.file('keys.jsonl', all.join('\n'))
    const { code, err } = await desk.run(['keys', 'import', 'keys.jsonl'])
    expect(code).toBe(1)
    expect(err.trim().split('\n')).toEqual([
      'keys.jsonl:1201: roles[0]: `usr` is not a role: did you mean `user`?',
      'keys.jsonl:1301: digest: is also that of line 1201: leave one out',
      '1000 records are imported; run it again once this is put right, and they are left as they are',
    ])
    expect(await count()).toBe(1000)
    desk.file('keys.jsonl', lines(1500))
    expect(await desk.json(['keys', 'import', 'keys.jsonl'])).toEqual({
      records: 1500,
      created: 500,
      skipped: 1000,
    })
  })

  it('remembers how far it came, and leaves that out the next time', async () => {
    const text = lines(2500)
    const broken = text.replace(record(2100).digest, 'sha256:x'.padEnd(71, 'x'))
    desk.file('keys.jsonl', broken)
    const first = await desk.run(['keys', 'import', 'keys.jsonl', '--resume', 'offset'])
    expect([first.code, existsSync(join(desk.folder, 'offset'))]).toEqual([1, true])
    desk.file('keys.jsonl', text)
    const second = await desk.json(['keys', 'import', 'keys.jsonl', '--resume', 'offset'])
    expect(second).toEqual({ records: 2500, created: 500, skipped: 2000 })
    expect([await count(), existsSync(join(desk.folder, 'offset'))]).toEqual([2500, false])
  })

  it('does not take the offset of another file', async () => {
    desk.file('offset', JSON.stringify({ source: 'other.jsonl', size: 7, records: 1000 }))
    desk.file('keys.jsonl', lines(10))
    const other = await desk.run(['keys', 'import', 'keys.jsonl', '--resume', 'offset'])
    expect([other.code, other.err]).toEqual([
      1,
      expect.stringContaining('belongs to the import of other.jsonl'),
    ])
    desk.file('offset', 'nonsense')
    expect((await desk.run(['keys', 'import', 'keys.jsonl', '--resume', 'offset'])).code).toBe(1)
  })

  it.each([
    ['keys.jsonl', '{"owner": "x"\n', 'keys.jsonl:1: is not JSON: write one object a line'],
    ['keys.jsonl', `${'x'.repeat(70_000)}`, 'keys.jsonl:1: is longer than 65536 characters'],
    ['keys.csv', 'owner,digst\n', 'keys.csv:1: names a column "digst": did you mean `digest`?'],
    ['keys.csv', 'owner\n', 'keys.csv:1: names no column digest'],
    ['keys.csv', 'owner,digest,owner\n', 'keys.csv:1: names the column owner twice'],
    ['keys.csv', 'owner,digest\na,b,c\n', 'keys.csv:2: has 3 fields, and the first line names 2'],
    [
      'keys.csv',
      'owner,digest\na"b,c\n',
      'keys.csv:2: has a quote where none may be: write "" for one inside of quotes',
    ],
    ['keys.csv', 'owner,digest\n"a,c\n', 'keys.csv:2: has a quote that is never closed'],
  ])('says where %s cannot be read', async (name, text, message) => {
    desk.file(name, text)
    const { code, err } = await desk.run(['keys', 'import', name])
    expect([code, err.split('\n')[0]]).toEqual([1, message])
  })

  it('holds a thousand records at most, however long the file is', async () => {
    const remote = await remoteDesk()
    let drawn = 0
    let sent = 0
    async function* endless() {
      for (; drawn < 5000; drawn++) {
        sent = Math.max(sent, drawn - (await remote.admin.store.history(100)).length * 1000)
        yield `${JSON.stringify(record(drawn))}\n`
      }
    }
    try {
      const { code, out } = await remote.run(['keys', 'import', '-'], endless())
      expect([code, out]).toEqual([0, '5000 records: 5000 new, 0 known before\n'])
      expect(sent).toBeLessThanOrEqual(1001)
    } finally {
      remote.end()
    }
  })
})
