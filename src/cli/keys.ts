import type { Command } from 'commander'
import type { Io } from './io.ts'
import { register as registerCreate } from './keys/create.ts'
import { register as registerImport } from './keys/import.ts'
import { register as registerLife } from './keys/life.ts'
import { register as registerList } from './keys/list.ts'
import { register as registerPeppers } from './keys/peppers.ts'
import { register as registerVerify } from './keys/verify.ts'

const COMMANDS = [registerCreate, registerList, registerLife, registerImport, registerVerify, registerPeppers]

/** `postern keys`: the life of API keys, on a running admin API or directly on the policy's store. */
export function register(program: Command, io: Io): void {
  const keys = program.command('keys').description('manage API keys')
  for (const registerOne of COMMANDS) registerOne(keys, io)
}
