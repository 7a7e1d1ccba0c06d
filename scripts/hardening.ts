/** docs/security/hardening.md, made from the checklist that `postern check --strict` goes through. */
import { SECTIONS } from '../src/policy/strict.ts'

export function hardeningPage(): string {
  const parts = [
    '# Hardening',
    '<!-- Made from src/policy/strict by `npm run generate`: change it there. -->',
    `\`postern check\` refuses a policy that is wrong. A policy may be sound and still weaker than it has to be; \`postern check --strict\` lists every place where one is, and exits 1:`,
    `\`\`\`sh
postern check --strict postern.yaml
\`\`\``,
    `\`\`\`text
postern.yaml:10:3 proxies.traefik: is known by its address alone: add secret or certificates (docs/security/hardening.md#proxy-proof)
1 finding
\`\`\``,
    'Each finding names its place and, in brackets, the item below. [examples/hardened.yaml](../../examples/hardened.yaml) has none.',
    `**What you accept.** Some items are a matter of your situation, and say so. Accept one by its id, or better at one place of the file, where everybody sees it: in the command that CI runs.`,
    `\`\`\`sh
postern check --strict --accept issuer-typ=issuers.company --accept route-host=routes.health postern.yaml
\`\`\``,
    'An id alone accepts the item wherever it is found. An `--accept` that accepts nothing is told, and an id that does not exist is wrong usage (exit 2).',
    `A file shows what it says. It does not show whether the proxy really is configured like the recipe, what else reaches the upstream, or what stands in the store: the items of the [last part](#yours-to-do) are for people.`,
  ]
  for (const { title, items } of SECTIONS) {
    parts.push(`## ${title}`)
    for (const { id, what, why, how } of items)
      parts.push(
        `### <a id="${id}"></a>\`${id}\`: ${withoutStop(what)}`,
        `**Why:** ${why}`,
        `**How:** ${how}`,
      )
  }
  return `${parts.join('\n\n')}\n`
}

const withoutStop = (sentence: string): string => sentence.replace(/\.$/, '')
