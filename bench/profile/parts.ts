/** Which part of a check a stack frame belongs to: by the file it stands in, so that functions may come and go. */

/** A call frame of V8's profiler. */
export interface Frame {
  readonly functionName: string
  /** `file:///...`, `node:...`, or nothing for what is written in C++. */
  readonly url: string
}

/** What is nobody's work: the process waits. */
export const IDLE = 'idle'

/** Frames that stand for no function. */
const META: Readonly<Record<string, string>> = {
  '(idle)': IDLE,
  '(garbage collector)': 'garbage collection',
  '(program)': 'libuv, llhttp and the system calls that read',
  '(root)': 'libuv, llhttp and the system calls that read',
}

/** The first that matches the frame's file names the part. */
export const FILES: readonly (readonly [RegExp, string])[] = [
  [
    /^node:(?:_http_incoming|_http_server|_http_common|internal\/http)$/,
    "Node's HTTP server: reading the request",
  ],
  [/^node:_http_outgoing$/, "Node's HTTP server: writing the answer"],
  [
    /^node:(?:net|_stream|stream|internal\/(?:stream|streams|net|js_stream|async))/,
    "Node's sockets and streams, with the system calls that write",
  ],
  [/^node:(?:internal\/(?:timers|process\/task_queues|process\/promises)|timers)/, 'timers and promises'],
  [/^node:(?:fs|internal\/fs)/, 'record: building, sampling, counting and writing the line'],
  [/\/src\/(?:node|worker)\/header-lines\.ts$/, 'reading the header lines'],
  [/\/src\/(?:proxies|schema)\//, 'the proxy adapter'],
  [/\/src\/core\/(?:canonical|path|path-steps|host|address|place)\.ts$/, 'the canonical form of the request'],
  [/\/src\/core\/(?:match|select|pattern|reserved)\.ts$/, 'routing'],
  [
    /\/src\/(?:credentials|ports)\/|\/src\/core\/authenticate\.ts$|\/jose\//,
    'the token: digest, cache, claims',
  ],
  [/\/src\/core\/(?:authorise|roles|standing|identity)\.ts$/, 'rights and identity headers'],
  [
    /\/src\/core\/(?:limit|charge|deny-cache|bounded|flight|soon)\.ts$|\/src\/(?:state|stores)\//,
    'limits, bans and revocations',
  ],
  [/\/src\/core\//, 'the decision itself'],
  [
    /\/src\/(?:http\/(?:record|sampling|tallies|metrics|state-metrics|trace-parent)|node\/(?:lines|request-id|service))\.ts$/,
    'record: building, sampling, counting and writing the line',
  ],
  [/\/src\//, 'the answer: judging trust, building and writing it'],
  [/\/node_modules\//, 'packages'],
]

/**
 * The part of a frame; null where it belongs to whoever called it: what is written in C++, and what every part of Node
 * and of the service uses.
 */
export function partOf({ functionName, url }: Frame): string | null {
  if (url === '') return META[functionName] ?? null
  return FILES.find(([pattern]) => pattern.test(url))?.[1] ?? null
}
