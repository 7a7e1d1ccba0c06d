/** What may happen to a SQLite file. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import type { FaultName } from '../../scripts/outcomes.ts'
import type { Broken, Injector } from './scenario.ts'
import { MAIN, seed } from './stand.ts'

const run = promisify(execFile)

/** Nobody: root may write whatever it likes, so the service runs as somebody else. */
const NOBODY = process.getuid?.() === 0 ? 65_534 : null

interface FileOptions {
  /** The user that the service runs as; null: the test's own. */
  readonly user?: number | null
  /** The size of a file system of its own; null: none. */
  readonly room?: string | null
  readonly brief?: boolean
}

interface Place {
  /** Holds `folder`, and copies of the file. */
  readonly above: string
  /** Holds the file alone. */
  readonly folder: string
  readonly file: string
}

const ENDS = ['', '-wal', '-shm']

/** Takes the file away. What a process has open lives on unseen. */
const remove = ({ file }: Place) => Promise.all(ENDS.map((end) => rm(file + end, { force: true })))

/** Puts another file in its place, in one step. */
async function replace({ above, file }: Place, write: (path: string) => Promise<unknown>): Promise<void> {
  const next = join(above, 'next')
  await rm(next, { force: true })
  await write(next)
  await Promise.all(ENDS.slice(1).map((end) => rm(file + end, { force: true })))
  await rename(next, file)
}

/** The whole contents in one file, whatever is still in the log beside it. */
function copy({ file, above }: Place): string {
  const path = join(above, 'copy')
  const db = new DatabaseSync(file)
  db.prepare('VACUUM INTO ?').run(path)
  db.close()
  // A copy comes without the journal's mode.
  const copied = new DatabaseSync(path)
  copied.exec('PRAGMA journal_mode = wal')
  copied.close()
  return path
}

const file =
  (
    strike: (place: Place) => unknown,
    heal: (place: Place) => unknown,
    { user = null, room = null, brief = false }: FileOptions = {},
  ): Injector =>
  async (): Promise<Broken> => {
    const above = await mkdtemp(join(tmpdir(), 'postern-file-'))
    const folder = join(above, 'data')
    await mkdir(folder)
    if (room !== null) await run('mount', ['-t', 'tmpfs', '-o', `size=${room}`, 'tmpfs', folder])
    const place = { above, folder, file: join(folder, 'postern.db') }
    return {
      brief,
      store: `sqlite: "${place.file}"`,
      user,
      seed: async (entries) => {
        await seed(`{ sqlite: "${place.file}" }`, entries)
        if (user === null) return
        for (const path of [above, folder, place.file]) await chown(path, user, user)
      },
      strike: async () => void (await strike(place)),
      heal: async () => void (await heal(place)),
      close: async () => {
        if (room !== null) await run('umount', [folder])
        await rm(above, { recursive: true, force: true })
      },
    }
  }

/** A lock is held by whoever is connected. */
function locked(): Injector {
  let lock: DatabaseSync | null = null
  return file(
    (place) => {
      lock = new DatabaseSync(place.file)
      lock.exec('BEGIN IMMEDIATE')
    },
    () => {
      lock?.exec('ROLLBACK')
      lock?.close()
    },
  )
}

/** A file of another's, which our user may read. */
async function withdraw(place: Place): Promise<void> {
  const good = copy(place)
  await replace(place, async (path) => {
    await copyFile(good, path)
    await chmod(path, 0o444)
  })
}

/** The files beside it have been made with its rights. */
async function handBack(place: Place): Promise<void> {
  for (const path of ENDS.map((end) => place.file + end).filter(existsSync)) {
    if (NOBODY !== null) await chown(path, NOBODY, NOBODY)
    await chmod(path, 0o644)
  }
}

/** What this machine does not let us inject, and why. */
export async function missingHere(): Promise<Partial<Record<FaultName, string>>> {
  const missing: Partial<Record<FaultName, string>> = {}
  const folder = await mkdtemp(join(tmpdir(), 'postern-mount-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
    await run('umount', [folder])
  } catch {
    missing['sqlite-disk'] = 'no small file system can be mounted here: that takes root'
  }
  await rm(folder, { recursive: true })
  if (NOBODY !== null) {
    const seen = run(process.execPath, ['-e', `require('node:fs').accessSync(${JSON.stringify(MAIN)})`], {
      uid: NOBODY,
      gid: NOBODY,
    })
    await seen.catch(() => {
      missing['sqlite-readonly'] = 'only root can read the sources here, and root may write every file'
    })
  }
  return missing
}

export const SQLITE = {
  'sqlite-locked': locked(),
  'sqlite-disk': file(
    // The last page is not quite full, so this ends with what still fits.
    ({ folder }) => writeFile(join(folder, 'filling'), Buffer.alloc(64 << 20)).catch(() => {}),
    ({ folder }) => rm(join(folder, 'filling')),
    { room: '8m', brief: true },
  ),
  'sqlite-readonly': file(withdraw, handBack, { user: NOBODY, brief: true }),
  'sqlite-folder': file(
    ({ folder }) => rename(folder, `${folder}-away`),
    ({ folder }) => rename(`${folder}-away`, folder),
  ),
  'sqlite-damaged': file(
    async (place) => {
      copy(place)
      await replace(place, (path) => writeFile(path, 'rubbish '.repeat(4096)))
    },
    (place) => replace(place, (path) => copyFile(join(place.above, 'copy'), path)),
    { brief: true },
  ),
  'sqlite-deleted': file(remove, () => {}),
} satisfies Partial<Record<FaultName, Injector>>
