import type { Figure } from '../figure.ts'
import { millionFigures } from './million.ts'
import { networkFigures } from './networks.ts'
import { pathFigures } from './paths.ts'
import { principalFigures } from './principals.ts'
import { routeFigures } from './routes.ts'
import { startUpFigures } from './start-up.ts'
import { tokenFigures } from './tokens.ts'

const PARTS = [
  pathFigures,
  tokenFigures,
  routeFigures,
  networkFigures,
  principalFigures,
  startUpFigures,
  millionFigures,
]

/**
 * What hostile input costs, and what grows with routes, networks, issuers, roles, clients and tokens. Figures with
 * `growth` are points of the chart's lines, the smallest size being where each begins.
 */
export async function growthFigures(
  { quick }: { readonly quick: boolean },
  print: (figure: Figure) => void,
): Promise<readonly Figure[]> {
  const all: Figure[] = []
  for (const part of PARTS) {
    for (const figure of await part(quick)) {
      all.push(figure)
      print(figure)
    }
  }
  return all
}
