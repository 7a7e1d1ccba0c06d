import * as z from 'zod'
import { defineStore } from './contract.ts'

const schema = z
  .string()
  .min(1)
  .max(1024)
  .meta({ description: 'Path of the file; it is made where there is none. Its folder must exist.' })

/** State in one file, which the processes of one machine share. */
export const sqlite = defineStore({
  name: 'sqlite',
  schema,
  bare: null,
  deadline: 200,
  holds: false,
  runtimes: ['node'],
  shared: true,
  remote: false,
  create: async (path, outside, deadline) => {
    const { SqliteStore } = await import('./sqlite/store.ts')
    return new SqliteStore({ location: outside.resolvePath(path), deadline }, outside)
  },
})
