import type { Command } from 'commander'
import { decide } from '../core/decide.ts'
import type { Decision, HeaderLines, Place } from '../core/model.ts'
import { asnOf, countryOf } from '../core/place.ts'
import { REASONS } from '../core/reasons.ts'
import { openState } from '../node/state.ts'
import { compile } from '../policy/compile.ts'
import { MemoryStore } from '../stores/memory.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'
import { outsideOf, pathsOf } from './outside.ts'
import { printProblems, readPolicy } from './policy-file.ts'

interface ExplainOptions {
  readonly policy: string
  readonly header: readonly string[]
  readonly client: string
  readonly country?: string
  readonly asn?: string
  readonly json?: boolean
}

const collect = (value: string, previous: readonly string[]): string[] => [...previous, value]

/** `postern explain`: one decision with all its steps, by the same `decide` that serves. */
export function register(program: Command, io: Io): void {
  program
    .command('explain')
    .description('decide one request and show every step')
    .argument('<method>', 'method, as in GET')
    .argument('<url>', 'URL that the client asks for; its path is taken byte for byte')
    .option('--policy <file>', 'policy file', './postern.yaml')
    .option(
      '--header <line>',
      'header line of the request, as in "Authorization: Bearer ..."; may be repeated',
      collect,
      [],
    )
    .option('--client <ip>', 'X-Forwarded-For: the address that the client comes from', '192.0.2.1')
    .option('--country <code>', 'where the client is, as in DE; unknown unless given')
    .option('--asn <number>', "number of the client's network; unknown unless given")
    .option('--json', 'print one JSON object')
    .action((method: string, url: string, options: ExplainOptions) => explain(method, url, options, io))
}

async function explain(method: string, url: string, options: ExplainOptions, io: Io): Promise<void> {
  // By hand: the URL class would resolve exactly what is to be explained.
  const [, scheme, host, target] = /^([a-z]+):\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  if (scheme === undefined || host === undefined || target === undefined) {
    throw new CommandFailure(2, `${JSON.stringify(url)} is not a URL: write https://host/path\n`)
  }
  const headers = headersOf(options.header)
  const place = placeOf(options)
  const loaded = readPolicy(options.policy, io)
  if (!loaded.ok) throw new CommandFailure(1, printProblems(loaded.problems))

  const outside = outsideOf(io)
  const state = await openState(loaded.policy, outside, pathsOf(options.policy, io))
  await state.knowledge.look()
  const { engine, authenticators } = compile(loaded.policy, {
    ...outside,
    keys: state.knowledge.keys,
    processes: 1,
  })
  await Promise.all(authenticators.map((authenticator) => authenticator.prepare?.()))
  const steps: { step: string; found: string }[] = []
  const ports = {
    // Nobody's quota is spent by looking.
    counters: new MemoryStore(outside),
    local: state.local,
    knowledge: state.knowledge,
    now: outside.now,
    ticks: () => performance.now(),
    trace: (step: string, found: string) => void steps.push({ step, found }),
  }
  const request = {
    proxy: 'explain',
    method,
    scheme,
    host,
    target: target || '/',
    forwardedFor: options.client,
    headers,
    place,
  }
  const decision = await decide(request, engine, ports)
  await state.stop()
  io.stdout.write(
    options.json === true ? `${JSON.stringify({ ...summary(decision), steps })}\n` : printed(decision, steps),
  )
}

function summary({ verdict, reason, route, principal, identity }: Decision) {
  return {
    verdict,
    reason,
    status: reason === null ? 200 : REASONS[reason].status,
    route,
    principal: principal?.id ?? null,
    identity,
  }
}

/** Steps in columns, then the verdict; what a terminal could take for a command is escaped. */
function printed(decision: Decision, steps: readonly { step: string; found: string }[]): string {
  const { verdict, reason, status, route, identity } = summary(decision)
  const lines = steps.map(({ step, found }) => `${step.padEnd(14)}${found}`)
  lines.push('', verdict === 'allow' ? `allow (${status}) on route ${route}` : `deny (${status}): ${reason}`)
  if (reason !== null) lines.push(REASONS[reason].meaning)
  for (const [name, value] of Object.entries(identity ?? {})) lines.push(`${name}: ${value}`)
  return `${lines.join('\n').replace(/[^\n\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}

function placeOf({ country, asn }: ExplainOptions): Place {
  const place = { country: countryOf(country ?? null), asn: asnOf(asn ?? null) }
  if (country !== undefined && place.country === null)
    throw new CommandFailure(
      2,
      `--country ${JSON.stringify(country)} is not a country: write two letters, as in DE\n`,
    )
  if (asn !== undefined && place.asn === null)
    throw new CommandFailure(2, `--asn ${JSON.stringify(asn)} is not the number of a network: write 13335\n`)
  return place
}

function headersOf(given: readonly string[]): HeaderLines {
  const pairs = given.map((line) => {
    const [, name, value] = /^([^\s:]+):[ \t]*(.*)$/s.exec(line) ?? []
    // The line may hold a credential, so it is not repeated.
    if (name === undefined || value === undefined)
      throw new CommandFailure(2, 'a --header is not a header line: write "Name: value"\n')
    return { name, lower: name.toLowerCase(), value: value.trim() }
  })
  return {
    lines: (name) => pairs.filter(({ lower }) => lower === name).map(({ value }) => value),
    names: () => pairs.map(({ name }) => name),
  }
}
