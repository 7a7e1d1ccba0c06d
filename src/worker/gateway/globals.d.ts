/** What the gateway uses of the runtime beside the web's own interfaces. */
type RuntimeTypes = typeof import('@cloudflare/workers-types')

declare const FixedLengthStream: RuntimeTypes['FixedLengthStream']
declare const IdentityTransformStream: RuntimeTypes['IdentityTransformStream']
declare const WebSocketPair: RuntimeTypes['WebSocketPair']
