/** The tables in docs/operations.md, as scripts/outcomes.ts has them. */
import {
  CLIENTS,
  CLOCK_STEPS,
  type Client,
  FAULTS,
  type Fault,
  ISSUER_ANSWERS,
  ISSUER_FAULTS,
  SITUATIONS,
  type SituationName,
  START_REFUSALS,
} from './outcomes.ts'

const BEGIN = '<!-- Made from scripts/outcomes.ts by `npm run generate`: change it there. -->\n'
const END = '<!-- end of what is made -->\n'

/** The page with its tables as they stand here. @param page the whole text of docs/operations.md */
export function withTables(page: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error('docs/operations.md has lost its marks')
  return `${before}${BEGIN}\n${tables()}\n${END}${after}`
}

function tables(): string {
  const situations = Object.values(SITUATIONS).map(({ when, answers }) => [
    when,
    ...Object.keys(CLIENTS).map((client) => code(answers[client as Client])),
  ])
  const faults = Object.values(FAULTS).map((fault: Fault) => [
    fault.store,
    fault.what,
    NAMES[fault.during],
    fault.heals,
    fault.events.map((event) => `\`${event}\``).join(', '),
    fault.reasoned === undefined ? '' : `reasoned, not tested: ${fault.reasoned}`,
  ])
  const issuers = Object.values(ISSUER_FAULTS).map(({ what, rotated, events }) => [
    what,
    code(ISSUER_ANSWERS.held),
    code(rotated),
    code(ISSUER_ANSWERS.cold),
    events.map((event) => `\`${event}\``).join(', '),
  ])
  return [
    '### By what the store does',
    table(['while', ...Object.values(CLIENTS)], situations),
    '### By what happens to the store',
    table(['store', 'what happens', 'what clients get', 'it heals', 'the log says', ''], faults),
    '### By what happens to an issuer',
    table(
      [
        'the issuer',
        'its set is held',
        'a key that is new in its set',
        'no set has come in yet',
        'the log says',
      ],
      issuers,
    ),
    '### By what the clock does',
    table(
      ['the clock that a store counts by steps', 'limits'],
      Object.values(CLOCK_STEPS).map(({ what, means }) => [what, means]),
    ),
    '### What a service does not start with',
    table(
      ['what', 'standard error says'],
      Object.values(START_REFUSALS).map(({ what, says }) => [what, `... ${says} ...`]),
    ),
  ].join('\n\n')
}

/** Situations, in a few words for the table of faults. */
const NAMES: Readonly<Record<SituationName, string>> = {
  whole: 'as ever',
  silent: 'as from a silent store',
  longSilent: 'as from a store that is silent for long',
  tooLong: 'as from a store that is silent for too long',
  unknown: 'as from a store that has not answered yet',
  full: 'as from a store that reads but does not write',
  part: 'as from a store that lost a part',
  home: 'as from a store that lost the part with keys and revocations',
  emptied: 'as from a store that was emptied',
}

const code = (text: string): string =>
  text
    .split(' or ')
    .map((one) => `\`${one}\``)
    .join(' or ')

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
