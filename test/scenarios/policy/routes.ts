/** Routes and limits of the policy under which most scenarios are played. */

/** Slow enough that nothing comes back while a suite runs. */
const slow = (by: string | readonly string[], count: number, more: object = {}) => ({
  by,
  rate: `${count}/day`,
  ...more,
})

export const limits = {
  few: slow('client', 2),
  more: slow('client', 9),
  'of-net': slow('client', 2, { ipv6: 48 }),
  'of-principal': slow('principal', 2),
  'of-tenant': slow('tenant', 2),
  'of-route': slow('route', 2),
  'of-pair': slow(['client', 'principal'], 2),
  'of-key': slow('principal', 3),
}

/** Credentials of every issuer, and keys. */
export const any = ['jwt:company', 'jwt:partner', 'jwt:vendor', 'api-key']
export const strangers = { credentials: ['anonymous'] }
export const company = { credentials: ['jwt:company'] }

/** Routes of app.example.com, by path. */
const app: Readonly<Record<string, object>> = {
  '/public/**': strangers,
  '/files/**': strangers,
  '/files/private/**': { ...company, require: { roles: ['admin'] } },
  '/exact': strangers,
  '/docs/**': { credentials: any, require: { permissions: ['docs:read'] } },
  '/edit/**': { credentials: any, require: { permissions: ['docs:read', 'docs:write'] } },
  '/admin/**': { ...company, require: { roles: ['admin'] } },
  '/staff/**': { credentials: any, require: { roles: ['editor', 'alpha'] } },
  '/company/**': company,
  '/keys/**': { credentials: ['api-key'] },
  '/either/**': { credentials: ['jwt:company', 'api-key', 'anonymous'] },
  '/partner/**': { credentials: ['jwt:partner'] },
  '/vendor/**': { credentials: ['jwt:vendor'] },
  '/unreachable/**': { credentials: ['jwt:unreachable'] },
  '/unreachable/or-key/**': { credentials: ['jwt:unreachable', 'api-key'] },
  '/mcp/:server/**': { credentials: any, require: { permissions: ['mcp:{server}:call'] } },
  '/orgs/:org/**': { credentials: any, require: { tenant: '{org}' } },
  '/items/**': { credentials: any, require: { scopes: ['items:read'] } },
  '/items/all/**': { credentials: any, require: { scopes: ['items:read', 'items:write'] } },
  '/strong/method/**': { credentials: any, require: { authentication: { methods: ['otp', 'hwk'] } } },
  '/strong/context/**': { credentials: any, require: { authentication: { contexts: ['silver', 'gold'] } } },
  '/strong/recent/**': { credentials: any, require: { authentication: { within: '30m' } } },
  '/strong/all/**': {
    credentials: any,
    require: { authentication: { methods: ['otp'], contexts: ['silver'], within: '30m' } },
  },
  '/inside/**': { ...strangers, networks: { allow: ['10.0.0.0/8', '2001:db8:1::/48'] } },
  '/outside/**': { ...strangers, networks: { deny: ['198.51.100.0/24', '2001:db8:bad::/48'] } },
  '/corner/**': {
    ...strangers,
    networks: { allow: ['10.0.0.0/8'], deny: ['10.66.0.0/16'] },
  },
  '/vault/**': { ...company, networks: { allow: ['10.0.0.0/8'] }, limits: ['few'] },
  '/pages/**': { ...strangers, origins: ['https://app.example.com'] },
  '/api/**': { ...company, origins: ['https://app.example.com'], preflight: 'allow' },
  '/quiet/**': { ...company, origins: ['https://app.example.com'] },
  '/europe/**': { ...strangers, countries: { allow: ['DE', 'FR'] } },
  '/abroad/**': { ...strangers, countries: { deny: ['DE'] } },
  '/carrier/**': { ...strangers, asns: { allow: [64500] } },
  '/carriers/**': { ...strangers, asns: { deny: [64500] } },
  '/europe/carrier/**': { ...strangers, countries: { allow: ['DE'] }, asns: { allow: [64500] } },
  '/few/**': { ...strangers, limits: ['few'] },
  '/few/mine/**': { ...company, limits: ['few'] },
  '/few/dear/**': { ...strangers, limits: [{ use: 'few', cost: 2 }] },
  '/few/nets/**': { ...strangers, limits: ['of-net'] },
  '/counted/principal/**': { credentials: any, limits: ['of-principal'] },
  '/counted/tenant/**': { credentials: any, limits: ['of-tenant'] },
  '/counted/route/**': { ...strangers, limits: ['of-route'] },
  '/counted/route/used/**': { ...strangers, limits: ['of-route'] },
  '/counted/route/wide/**': { ...strangers, limits: ['of-route'] },
  '/counted/pair/**': { credentials: any, limits: ['of-pair'] },
  '/counted/both/**': { credentials: any, limits: ['more', 'of-principal'] },
}

const nameOf = (path: string): string => path.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '')

export const routes = {
  ...Object.fromEntries(
    Object.entries(app).map(([path, rest]) => [
      nameOf(path),
      { match: { host: 'app.example.com', path }, ...rest },
    ]),
  ),
  notes: { match: { host: 'app.example.com', path: '/notes/**', methods: ['GET'] }, ...strangers },
  'notes-write': {
    match: { host: 'app.example.com', path: '/notes/**', methods: ['POST', 'PUT'] },
    ...company,
    require: { roles: ['editor'] },
  },
  'notes-brew': { match: { host: 'app.example.com', path: '/pot', methods: ['BREW'] }, ...strangers },
  elsewhere: { match: { path: '/elsewhere' }, ...strangers },
  open: { match: { host: 'open.example.com', path: '/**' }, ...strangers },
  'open-admin': {
    match: { host: 'open.example.com', path: '/admin/**' },
    ...company,
    require: { roles: ['admin'] },
  },
  tenants: {
    match: { host: ':org.tenants.example.com', path: '/**' },
    credentials: any,
    require: { tenant: '{org}' },
  },
}
