import type { Address } from './address.ts'
import { authorise } from './authorise.ts'
import { canonicalise } from './canonical.ts'
import { recall } from './charge.ts'
import { Deliberation, PATIENCE } from './deliberation.ts'
import type { Engine } from './engine.ts'
import type { CanonicalRequest, Decision, ForwardedRequest, Ports } from './model.ts'
import { exclusion, selectRoute } from './select.ts'
import { type Soon, whenKnown } from './soon.ts'

/**
 * Decides one request, step by step, no step reading what a later one writes: canonical form, bans, route, what is
 * known without cryptography, credentials, requirements, limits. Whatever throws in here is a denial to the caller.
 * @returns the decision at once where nothing has to be waited for (docs/adr/0006)
 */
export function decide(request: ForwardedRequest, engine: Engine, ports: Ports): Soon<Decision> {
  const now = ports.now()
  const { knowledge, trace } = ports

  const { request: canonical, problem } = canonicalise(request, engine)
  const deliberation = new Deliberation(request.headers, canonical, now, engine, ports)
  trace?.('request', problem ?? describe(canonical))
  if (problem !== null) return deliberation.deny({ reason: 'request_malformed', cause: problem })

  const { client } = canonical
  if (client !== null && knowledge.banned(client, now) && engine.penalty?.never?.has(client) !== true) {
    trace?.('bans', 'the client is banned')
    return deliberation.deny({ reason: 'client_banned' })
  }

  const intruder = engine.identity.intruder(request.headers)
  trace?.(
    'headers',
    intruder === null ? 'none stands for an identity header' : `${intruder} stands for one of ours`,
  )
  if (intruder !== null) return deliberation.deny({ reason: 'header_alias', cause: intruder })

  const selected = selectRoute(request, canonical, engine, ports)
  if ('reason' in selected) return deliberation.deny(selected)
  const { route, parameters, preflight } = selected
  deliberation.select(route)

  const exhausted = recall(deliberation.due, engine, ports)
  trace?.(
    'known limits',
    exhausted === null ? 'none is known to be used up' : `${exhausted.limit.name} is used up`,
  )
  if (exhausted !== null) return deliberation.deny({ reason: 'limit_exceeded' }, [exhausted])

  const outside = exclusion(route, request, canonical)
  trace?.('networks', outside ?? 'the client may use the route')
  if (outside !== null) return deliberation.deny({ reason: outside })

  if (preflight) {
    trace?.('preflight', 'passes without a credential')
    return deliberation.settle({ principal: null, identity: engine.identity.nobody, further: [] })
  }

  const judge = () => {
    deliberation.judged(knowledge.epoch)
    return authorise(route, parameters, deliberation, engine, ports)
  }
  return whenKnown(shielded(client, ports), (admitted) => {
    if (!admitted) return deliberation.deny({ reason: 'shield_exceeded' })
    return whenKnown(knowledge.behind(null) ? knowledge.catchUp(PATIENCE) : undefined, () =>
      whenKnown(judge(), (found) => deliberation.settle(found, judge)),
    )
  })
}

/** Whether the shield lets the client go on. Who cannot be told apart is nobody whom it could count. */
function shielded(client: Address | null, { shield, trace }: Ports): Soon<boolean> {
  if (shield == null || client === null) return true
  return whenKnown(shield.admits(client), (admitted) => {
    trace?.('shield', admitted ? 'lets the client go on' : 'holds the client back')
    return admitted
  })
}

const describe = ({ method, scheme, host, path, client }: CanonicalRequest): string =>
  `${method} ${scheme}://${host}${path} from ${client?.text ?? 'an unknown client'}`
