import * as z from 'zod'
import { REASONS } from '../core/reasons.ts'
import { policySchema } from './schema.ts'

/** What derives from the schema and the table of reasons: the JSON Schema for editors, and two pages of the docs. */

interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** JSON Schema (draft 2020-12) of what stands in the file, before anything is read out of it. */
export function policyJsonSchema(): JsonSchema {
  return z.toJSONSchema(policySchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
}

const GENERATED = '<!-- Made from the source by `npm run generate`: change it there. -->'

/** docs/policy.md: every field with type, default and meaning. */
export function policyReference(): string {
  const schema = policyJsonSchema()
  const parts = [
    '# The policy file',
    GENERATED,
    'One file, YAML or JSON, says who may pass. `postern check` reports everything that is wrong with it at once; nothing starts while a problem stands. `postern check --strict` also lists what makes a sound policy weak ([hardening](security/hardening.md)). Fields that are not listed here are problems too. For completion in an editor, begin the file with `# yaml-language-server: $schema=` and the path of `postern.schema.json`; `examples/full.yaml` shows every section.',
    'Secrets are given by reference only: `"${NAME}"` for an environment variable, `{ file: PATH }` for a file. Paths are relative to the policy file.',
  ]
  for (const [name, section] of Object.entries(schema.properties ?? {})) {
    parts.push(`## \`${name}\``, `${section.description ?? ''}${defaultOf(section)}`.trim())
    // A section that may also be one word has its fields where it is a mapping.
    const rows = rowsOf(section.anyOf?.find(isMapping) ?? section, '')
    if (rows.length > 0)
      parts.push(['| field | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n'))
  }
  return `${parts.join('\n\n')}\n`
}

/** docs/reasons.md: one line for each reason. */
export function reasonReference(): string {
  const rows = Object.entries(REASONS).map(
    ([code, { status, public: shown, meaning }]) =>
      `| <a id="${code}"></a>\`${code}\` | ${status} | \`${shown}\` | ${meaning} |`,
  )
  return `# Reasons

${GENERATED}

Every denial has one reason. Records and metrics name it exactly; the caller sees the code in the third column, which is coarse wherever detail would help a stranger. The status is the true one, as X-Postern-Status says it; behind nginx it travels as 401 or 403 and is mapped back.

| reason | status | told to the caller | meaning |
|---|---|---|---|
${rows.join('\n')}
`
}

/** The rows of a mapping's fields, those of nested mappings below them. */
function rowsOf(schema: JsonSchema, prefix: string, required: readonly string[] = []): string[] {
  const rows: string[] = []
  const entry = objectOf(schema.additionalProperties)
  if (schema.properties === undefined && entry !== null)
    return rowsOf(entry, `${prefix}NAME.`, entry.required)
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const must = (schema.required ?? required).includes(name)
    const fallback = must
      ? '**required**'
      : field.default === undefined || isMapping(field)
        ? ''
        : `\`${JSON.stringify(field.default)}\``
    rows.push(`| \`${prefix}${name}\` | ${typeOf(field)} | ${fallback} | ${field.description ?? ''} |`)
    rows.push(...rowsOf(field, `${prefix}${name}.`))
    const item =
      field.items === undefined ? null : objectOf(field.items.anyOf?.find(isMapping) ?? field.items)
    if (item !== null) rows.push(...rowsOf(item, `${prefix}${name}[].`))
  }
  return rows
}

const isMapping = (schema: JsonSchema): boolean =>
  schema.properties !== undefined || objectOf(schema.additionalProperties) !== null

const objectOf = (schema: JsonSchema | boolean | undefined): JsonSchema | null =>
  typeof schema === 'object' && schema.properties !== undefined ? schema : null

const defaultOf = ({ default: value, properties }: JsonSchema): string =>
  value === undefined || properties !== undefined ? '' : ` Default: \`${JSON.stringify(value)}\`.`

/** A field's type in a few words. */
function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items)}`
  if (schema.type === 'object') return 'mapping'
  return (
    { string: 'text', integer: 'whole number', number: 'number', boolean: 'true or false' }[
      schema.type ?? ''
    ] ?? 'anything'
  )
}
