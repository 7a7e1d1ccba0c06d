import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { copyRecipe } from '../../scripts/recipe.ts'

/** One way through Traefik: the recipe that users copy, with a port of its own. */
export interface Door {
  readonly name: string
  /** Where clients come in. */
  readonly port: number
  /** Where Traefik asks; null: nowhere, and everything else stays. */
  readonly check: { readonly port: number; readonly https: boolean } | null
}

interface Dynamic {
  readonly http: {
    readonly routers: Readonly<Record<string, Router>>
    readonly middlewares: Readonly<Record<string, Middleware>>
    readonly services: Readonly<Record<string, unknown>>
  }
}

interface Router {
  readonly middlewares: readonly string[]
  readonly service: string
}

type Middleware = Readonly<Record<string, unknown>> & { readonly chain?: { readonly middlewares: string[] } }

/** What all doors share. */
export interface House {
  readonly folder: string
  readonly upstream: number
  readonly secret: string
}

/**
 * Traefik's dynamic configuration for several doors in one process: separate processes of one program differ by more
 * than what is looked for. Each door is traefik/dynamic.yml, its names set apart.
 */
export async function dynamicOf(doors: readonly Door[], house: House): Promise<Dynamic> {
  const parts = await Promise.all(doors.map((door) => dynamicOfDoor(door, house)))
  const merged = (section: keyof Dynamic['http']) =>
    Object.assign({}, ...parts.map(({ http }) => http[section]))
  return {
    http: {
      routers: merged('routers'),
      middlewares: merged('middlewares'),
      services: merged('services'),
    },
  }
}

async function dynamicOfDoor({ name, check }: Door, house: House): Promise<Dynamic> {
  const folder = join(house.folder, name)
  await copyRecipe('traefik/dynamic.yml', folder, check?.https ? [] : ['over http'], {
    'postern:8081': `127.0.0.1:${check?.port}`,
    'postern:8443': `127.0.0.1:${check?.port}`,
    'app:3000': `127.0.0.1:${house.upstream}`,
  })
  const { http } = recipe<Dynamic>(join(folder, 'dynamic.yml'))
  const own = (local: string): string => `${name}-${local}`
  return {
    http: {
      routers: renamed(http.routers, own, (router) => ({
        ...router,
        entryPoints: [name],
        middlewares: router.middlewares.map(own),
        service: own(router.service),
      })),
      middlewares: renamed(http.middlewares, own, (middleware) => {
        const { chain } = middleware
        if (chain === undefined) return withSecret(middleware, house.secret)
        const kept = chain.middlewares.filter((each) => check !== null || each !== 'postern')
        if (check === null && kept.length === chain.middlewares.length)
          throw new Error('traefik/dynamic.yml no longer has the middleware postern in its chains')
        return { chain: { middlewares: kept.map(own) } }
      }),
      services: renamed(http.services, own, (service) => service),
    },
  }
}

/** The static configuration: the entry point of traefik/traefik.yml, once for each door. */
export async function staticOf(doors: readonly Door[], { folder }: House): Promise<unknown> {
  await copyRecipe('traefik/traefik.yml', join(folder, 'static'), [], {})
  const { entryPoints } = recipe<{ entryPoints: { web: object } }>(join(folder, 'static', 'traefik.yml'))
  return {
    entryPoints: Object.fromEntries(
      doors.map(({ name, port }) => [name, { ...entryPoints.web, address: `127.0.0.1:${port}` }]),
    ),
    providers: { file: { filename: 'dynamic.yml' } },
  }
}

const recipe = <T>(file: string): T => parse(readFileSync(file, 'utf8')) as T

const renamed = <T>(
  section: Readonly<Record<string, T>>,
  name: (local: string) => string,
  change: (value: T) => unknown,
): Record<string, never> =>
  Object.fromEntries(Object.entries(section).map(([local, value]) => [name(local), change(value)])) as Record<
    string,
    never
  >

/** JSON has no templates, so the secret stands in it. */
const withSecret = (middleware: Middleware, secret: string): unknown =>
  JSON.parse(JSON.stringify(middleware).replaceAll('{{ env \\"POSTERN_SECRET\\" }}', secret))
