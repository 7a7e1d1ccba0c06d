import type { Command } from 'commander'
import { apiKeyFacts } from '../../admin/facts.ts'
import { checked, examine, type KeyCheck, keyCheck } from '../../admin/key-check.ts'
import { type ApiKeysSection, apiKey } from '../../credentials/api-key.ts'
import { storeOf } from '../../node/state.ts'
import { sectionOf } from '../../policy/sections.ts'
import { hmacSha256, sha256Hex } from '../../ports/node-crypto.ts'
import { askFor, pathOf, soundPolicy, withAdmin } from '../admin/connection.ts'
import { type Common, common } from '../admin/options.ts'
import { printFields } from '../admin/table.ts'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'

interface Options extends Common {
  readonly offline?: boolean
}

/** Longer than any key; the rest is not read. */
const MAX_LENGTH = 4096

export function register(keys: Command, io: Io): void {
  common(keys.command('verify').description('say whether the API key on standard input would be taken'))
    .option('--offline', 'by its form, checksum and tag alone: no store is asked')
    .action((options: Options) => verify(options, io))
}

async function verify(options: Options, io: Io): Promise<void> {
  if (options.offline === true && options.admin !== undefined)
    throw new CommandFailure(2, '--offline and --admin contradict each other: leave one out\n')
  const key = await presented(io)
  const check = options.offline === true ? offline(key, options, io) : await online(key, options, io)
  if (options.json === true) io.stdout.write(`${JSON.stringify(check)}\n`)
  else printFields({ ...check, record: null, ...check.record }, io.stdout)
  if (check.verdict !== 'good' && check.verdict !== 'sound') throw new CommandFailure(1, '')
}

/** `sound`: nothing is wrong with it, but only its record tells whether it is good. */
type Offline = Omit<KeyCheck, 'verdict'> & { readonly verdict: KeyCheck['verdict'] | 'sound' }

function offline(key: string, options: Options, io: Io): Offline {
  const policy = soundPolicy(options.policy, io)
  const apiKeys = apiKeyFacts(sectionOf(policy, apiKey) as ApiKeysSection | undefined)
  if (apiKeys === null) throw new CommandFailure(1, `${options.policy} has no apiKeys\n`)
  const examined = examine(key, apiKeys, { hmacSha256, sha256Hex })
  if (examined.fault !== null) return checked(examined.fault, examined)
  const id = apiKeys.policyKeys.get(examined.digest ?? '')
  if (id !== undefined) return checked('good', examined, { source: 'policy', id, record: null })
  return {
    ...checked('good', examined),
    verdict: 'sound',
    meaning: 'form, checksum and tag fit; whether it is good, only its record can tell',
  }
}

function online(key: string, options: Options, io: Io): Promise<Offline> | Offline {
  // Keys of a policy whose store keeps none are all in the file.
  if (options.admin === undefined && storeOf(soundPolicy(options.policy, io)).name === 'memory') {
    const check = offline(key, options, io)
    return check.verdict === 'sound' ? checked('unknown', check) : check
  }
  return withAdmin(options, io, (connection) =>
    askFor(connection, keyCheck, 'POST', pathOf(['keys', 'verify']), { body: { key } }),
  )
}

async function presented(io: Io): Promise<string> {
  let text = ''
  for await (const chunk of io.stdin ?? process.stdin) {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
    if (text.length > MAX_LENGTH) throw new CommandFailure(2, 'standard input holds more than one key\n')
  }
  const key = text.trim()
  if (key === '') throw new CommandFailure(2, 'standard input is empty: pipe the key in\n')
  if (/\s/.test(key) || key.length > 256)
    throw new CommandFailure(2, 'standard input holds more than one key\n')
  return key
}
